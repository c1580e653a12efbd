export {
  breakwater,
  type BreakwaterClientOptions,
  type BreakwaterFetchOptions,
  type BreakwaterRecipe,
} from './breakwater.ts'
export type { BreakwaterOptions, Part, PartName } from './options.ts'

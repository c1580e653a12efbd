export { durationText, numberText } from './numbers.ts'
export { renderPage } from './page.ts'
export type {
  BarChart,
  Chart,
  Fact,
  Lane,
  LaneChart,
  Panel,
  Phase,
  Report,
  Section,
  Series,
  Table,
  TimeChart,
  Tone,
} from './report.ts'
export type { StormData, StormResult, StormScene } from './storm-data.ts'
export { stormPage } from './storm-page.ts'

export { otel } from './otel.ts'
export { otelDefaults, type OtelOptions, type Semconv } from './options.ts'
export type { Price, Prices } from './prices.ts'

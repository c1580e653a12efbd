/** What the tests use of `@opentelemetry/sdk-trace-base`, made of the package that has taken its place in the third generation. */
import { SimpleSpanProcessor as Processor, type SpanExporter } from 'opentelemetry-3-sdk-trace'

export {
  AlwaysOffSampler,
  InMemorySpanExporter,
  TracerProvider as BasicTracerProvider,
} from 'opentelemetry-3-sdk-trace'

/** The exporter is an option now. */
export class SimpleSpanProcessor extends Processor {
  constructor(exporter: SpanExporter) {
    super({ exporter })
  }
}

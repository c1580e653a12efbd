export type { Dynamics, KeyWindow, Outage } from './dynamics.ts'
export type { FakeOptions } from './engine.ts'
export { type FakeFetch, fakeFetch } from './fake-fetch.ts'
export type { RateLimitDynamics } from './rate-limit.ts'
export type {
  BodyFault,
  BodyFaultKind,
  NetworkFault,
  RateLimitHeaders,
  Reply,
  ReplyFields,
  ReplyPick,
  Script,
  ScriptEntry,
  ScriptFunction,
  ToolUse,
  WeightedReply,
} from './reply.ts'
export type { FakeRequest, RecordedReply, RecordedRequest, ReplySource } from './request.ts'
export { createFakeAnthropic, type FakeAnthropic, type FakeAnthropicOptions } from './server.ts'

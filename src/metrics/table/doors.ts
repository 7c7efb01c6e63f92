// The doors: who asks this agent over HTTP, who follows its events, and who is turned away.
import { counter, gauge, histogram } from '../definition.ts';
import { stepSeconds } from './buckets.ts';

export const authenticationFailures = ['unauthorized', 'rate_limited', 'forbidden'] as const;
export type AuthenticationFailure = (typeof authenticationFailures)[number];

export const streamKinds = ['broker', 'reader'] as const;
export type StreamKind = (typeof streamKinds)[number];

export const doorTable = {
  authenticationFailures: counter('authentication_failures_total', {
    help: 'Requests turned away for their token: none or a wrong one, too many of those from one address, or one for reading alone',
    labels: { reason: authenticationFailures },
    whenOff: 'Grows: a client with an old token, or somebody guesses; the log names the address.',
  }),
  eventStreams: gauge('event_streams', {
    help: "Event streams open now: brokers', which attach by them, and other readers'",
    labels: { kind: streamKinds },
    whenOff: 'No `broker` where one should be attached: it does not reach its agent.',
  }),
  eventStreamsDropped: counter('event_streams_dropped_total', {
    help: 'Event streams ended by us because the reader took no bytes for 10 s',
    whenOff: 'Grows: readers that hang; a broker among them is about to be taken for down.',
  }),
  httpRequests: counter('http_requests_total', {
    help: "Requests answered, by the route's pattern and the class of the answer; event streams count when they end",
    labels: { method: 'open', route: 'open', status: ['2xx', '3xx', '4xx', '5xx'] },
    whenOff: '5xx: the store is away or the agent stops; the access log has each.',
  }),
  httpRequestDuration: histogram('http_request_duration_seconds', {
    help: "From the request's head to the end of its answer, by the route's pattern; without event streams",
    labels: { route: 'open' },
    buckets: stepSeconds,
    whenOff:
      'Slow: compare with `store_operation_duration_seconds`; a campaign with `waitMs` waits by intent.',
  }),
} as const;

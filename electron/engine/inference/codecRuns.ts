import './noTelemetry.ts'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import {
  castGraph,
  e4m3DecodeGraph,
  e4m3EncodeGraph,
  int8DecodeGraph,
  int8EncodeGraph,
  throughFloat16Graph,
} from './codecGraphs.ts'
import { runInPlace } from './inPlaceRun.ts'

const GRAPHS = {
  'int8-1': () => int8EncodeGraph(1),
  'int8-2': () => int8EncodeGraph(2),
  int8: int8DecodeGraph,
  'e4m3-1': () => e4m3EncodeGraph(1),
  'e4m3-2': () => e4m3EncodeGraph(2),
  e4m3: e4m3DecodeGraph,
  round: () => castGraph('float32', 'float16'),
  widen: () => castGraph('float16', 'float32'),
  'float16-float32': throughFloat16Graph,
} as const
export type CodecGraph = keyof typeof GRAPHS

/** Made at first use and kept: each is a few kilobytes. */
const sessions = new Map<CodecGraph, Promise<InferenceSession>>()

/** Runs one of the graphs that numbers are stored by; its outputs are written in place. */
export async function runCodec(
  graph: CodecGraph,
  feeds: Record<string, Tensor>,
  outputs: Record<string, Tensor>,
): Promise<void> {
  let session = sessions.get(graph)
  if (session === undefined) {
    session = InferenceSession.create(GRAPHS[graph](), {
      logSeverityLevel: 3,
      interOpNumThreads: 1,
      // Its threads must not keep spinning when it is the model's turn.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    })
    sessions.set(graph, session)
  }
  const marker = new Tensor('int64', BigInt64Array.of(0n), [])
  await runInPlace(await session, { marker, ...feeds }, outputs)
}

/**
 * Runs that write their outputs into the caller's own buffers and copy nothing else.
 *
 * onnxruntime-node 1.30 writes a preallocated output in place and then copies it once more into a new array for its
 * result: for a decode step that is the whole context, whatever its length. The copying happens output by output, in the
 * graph's order, after the model has run. So the graph gets a first output that the binding cannot turn into an array (a
 * sequence); it stops there, everything asked for is already in the caller's buffers, and no copy is made. Should a later
 * version convert sequences or stop copying, the outputs are in the buffers all the same.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import protobuf from 'protobufjs/light.js'
import { ONNX_TYPE, type OnnxType } from '#engine/models/compile/onnxProto.ts'

const MARKER = 'outputs_are_written'
const BINDING_STOPS = 'Non tensor type is temporarily not supported.'

/** The fields of onnx.proto that the marker needs. */
const schema = protobuf.Root.fromJSON({
  nested: {
    ModelProto: { fields: { graph: { type: 'GraphProto', id: 7 } } },
    GraphProto: {
      fields: {
        node: { rule: 'repeated', type: 'NodeProto', id: 1 },
        output: { rule: 'repeated', type: 'ValueInfoProto', id: 12 },
      },
    },
    NodeProto: {
      fields: {
        input: { rule: 'repeated', type: 'string', id: 1 },
        output: { rule: 'repeated', type: 'string', id: 2 },
        opType: { type: 'string', id: 4 },
      },
    },
    ValueInfoProto: { fields: { name: { type: 'string', id: 1 }, type: { type: 'TypeProto', id: 2 } } },
    TypeProto: {
      fields: { tensorType: { type: 'TensorTypeProto', id: 1 }, sequenceType: { type: 'SequenceTypeProto', id: 4 } },
    },
    TensorTypeProto: { fields: { elemType: { type: 'int32', id: 1 } } },
    SequenceTypeProto: { fields: { elemType: { type: 'TypeProto', id: 1 } } },
  },
})

/**
 * A graph with the marker as its first output. Protobuf merges repeated messages, so bytes put before a model's are
 * parsed as part of it. `input` is any input of the graph; it goes into the sequence, so it should be small.
 */
export function withMarker(graph: Uint8Array, input: { readonly name: string; readonly type: OnnxType }): Uint8Array {
  const sequence = { sequenceType: { elemType: { tensorType: { elemType: ONNX_TYPE[input.type] } } } }
  const marker = {
    node: [{ input: [input.name], output: [MARKER], opType: 'SequenceConstruct' }],
    output: [{ name: MARKER, type: sequence }],
  }
  return Buffer.concat([schema.lookupType('ModelProto').encode({ graph: marker }).finish(), graph])
}

/** Runs a graph made with {@link withMarker}; when the promise resolves, `outputs` hold the results. */
export async function runInPlace(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
  outputs: Readonly<Record<string, Tensor>>,
): Promise<void> {
  try {
    await session.run(feeds, { [MARKER]: null, ...outputs })
  } catch (error) {
    if (!(error instanceof Error && error.message === BINDING_STOPS)) throw error
  }
}

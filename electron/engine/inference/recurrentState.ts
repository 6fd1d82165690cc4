import { type InferenceSession, Tensor } from 'onnxruntime-node'
import type { Download } from './hotNumbers.ts'
import { type SsmLayerGeometry, sizeOf } from './layers.ts'
import type { RecurrentLayer } from './stateSnapshot.ts'

/** One whole recurrent state: conv and ssm of every layer. `kept` means that someone else holds it, so never write it. */
interface StateSet {
  readonly layers: readonly { readonly conv: Tensor; readonly ssm: Tensor }[]
  kept: boolean
}

/** A state to go back to, and whether it was held before. */
export type RecurrentMark = { readonly set: StateSet; readonly wasKept: boolean }

/**
 * The recurrent state of one session: state in, state out. Each run reads one set of tensors and writes another, so a
 * state that a snapshot, fork or mark holds stays as it was, without a copy.
 */
export class RecurrentState {
  readonly #layers: readonly SsmLayerGeometry[]
  readonly #download: Download
  #current: StateSet
  #target: StateSet | null = null
  readonly #spare: StateSet[] = []

  constructor(layers: readonly SsmLayerGeometry[], download: Download, states: readonly RecurrentLayer[] = []) {
    this.#layers = layers
    this.#download = download
    this.#current = states.length === 0 ? this.#zeros() : this.#wrap(states)
  }

  /** Adds the state to a run's inputs and the set to be written to its outputs. */
  addTo(feeds: Record<string, Tensor>, outputs: Record<string, Tensor>): void {
    this.#target ??= this.#spare.pop() ?? this.#zeros()
    for (const [index, { layer }] of this.#layers.entries()) {
      const now = this.#current.layers[index]
      const next = this.#target.layers[index]
      if (now === undefined || next === undefined) continue
      feeds[`past_conv.${layer}`] = now.conv
      feeds[`past_ssm.${layer}`] = now.ssm
      outputs[`present_conv.${layer}`] = next.conv
      outputs[`present_ssm.${layer}`] = next.ssm
    }
  }

  /** After a run: what it wrote is the state. A device returns new tensors. */
  adopt(results: InferenceSession.ReturnType | null): void {
    const previous = this.#current
    if (results !== null) this.#current = { layers: this.#returned(results), kept: false }
    else if (this.#target !== null) {
      this.#current = this.#target
      this.#target = null
    }
    this.#recycle(previous)
  }

  /** Holds the present state until {@link back} or {@link drop}. */
  mark(): RecurrentMark {
    const mark = { set: this.#current, wasKept: this.#current.kept }
    this.#current.kept = true
    return mark
  }

  /** Lets go of a mark whose state is no longer needed. */
  drop(mark: RecurrentMark): void {
    mark.set.kept = mark.wasKept
    if (mark.set !== this.#current) this.#recycle(mark.set)
  }

  /** Makes a marked state the present one again. */
  back(mark: RecurrentMark): void {
    if (this.#current !== mark.set) this.#recycle(this.#current)
    this.#current = mark.set
    mark.set.kept = mark.wasKept
  }

  /** The state as plain arrays, in layer order; on the host these are the arrays themselves, not written again. */
  async snapshot(): Promise<RecurrentLayer[]> {
    const set = this.#current
    if (set.layers[0]?.conv.location === 'cpu') set.kept = true
    const states: RecurrentLayer[] = []
    for (const [index, { layer, conv, ssm }] of this.#layers.entries()) {
      const tensors = set.layers[index]
      if (tensors === undefined) continue
      states.push({
        layer,
        conv: await this.#download(tensors.conv),
        convDims: conv,
        ssm: await this.#download(tensors.ssm),
        ssmDims: ssm,
      })
    }
    return states
  }

  dispose(): void {
    for (const set of [this.#current, ...this.#spare]) {
      for (const { conv, ssm } of set.layers) {
        if (conv.location !== 'cpu') {
          conv.dispose()
          ssm.dispose()
        }
      }
    }
    this.#spare.length = 0
    this.#current = { layers: [], kept: true }
  }

  #returned(results: InferenceSession.ReturnType): StateSet['layers'] {
    return this.#layers.map(({ layer }) => {
      const conv = results[`present_conv.${layer}`]
      const ssm = results[`present_ssm.${layer}`]
      if (conv === undefined || ssm === undefined) throw new Error(`the graph returned no state of layer ${layer}`)
      return { conv, ssm }
    })
  }

  #recycle(set: StateSet): void {
    if (set.kept) return
    if (set.layers[0]?.conv.location === 'cpu') {
      if (this.#spare.length < 2) this.#spare.push(set)
      return
    }
    for (const { conv, ssm } of set.layers) {
      conv.dispose()
      ssm.dispose()
    }
  }

  #zeros(): StateSet {
    const zeros = (dims: readonly number[]) => new Tensor('float32', new Float32Array(sizeOf(dims)), [1, ...dims])
    return { layers: this.#layers.map(({ conv, ssm }) => ({ conv: zeros(conv), ssm: zeros(ssm) })), kept: false }
  }

  #wrap(states: readonly RecurrentLayer[]): StateSet {
    const layers = states.map(({ conv, convDims, ssm, ssmDims }) => ({
      conv: new Tensor('float32', conv, [1, ...convDims]),
      ssm: new Tensor('float32', ssm, [1, ...ssmDims]),
    }))
    return { layers, kept: true }
  }
}

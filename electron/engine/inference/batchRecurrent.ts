import { Tensor } from 'onnxruntime-node'
import { type SsmLayerGeometry, sizeOf } from './layers.ts'
import type { RecurrentLayer, StateSnapshot } from './stateSnapshot.ts'

type Part = 'conv' | 'ssm'

/** One recurrent layer of all rows, `[rows, …]`. */
interface Layer {
  readonly conv: Float32Array
  readonly ssm: Float32Array
}

/** The recurrent states of a batch: read one set, write the other, change places. */
export class BatchRecurrent {
  readonly #layers: readonly SsmLayerGeometry[]
  readonly #rows: number
  #now: readonly Layer[]
  #next: readonly Layer[]

  constructor(layers: readonly SsmLayerGeometry[], states: readonly StateSnapshot[]) {
    this.#layers = layers
    this.#rows = states.length
    this.#now = this.#allocate()
    this.#next = this.#allocate()
    for (const [row, { recurrent }] of states.entries()) {
      for (const [index, { conv, ssm }] of recurrent.entries()) {
        this.#part(this.#now, index, 'conv', row).set(conv)
        this.#part(this.#now, index, 'ssm', row).set(ssm)
      }
    }
  }

  prepare(feeds: Record<string, Tensor>, outputs: Record<string, Tensor>): void {
    for (const [index, { layer, conv, ssm }] of this.#layers.entries()) {
      const [now, next] = [this.#now[index], this.#next[index]]
      if (now === undefined || next === undefined) continue
      feeds[`past_conv.${layer}`] = new Tensor('float32', now.conv, [this.#rows, ...conv])
      feeds[`past_ssm.${layer}`] = new Tensor('float32', now.ssm, [this.#rows, ...ssm])
      outputs[`present_conv.${layer}`] = new Tensor('float32', next.conv, [this.#rows, ...conv])
      outputs[`present_ssm.${layer}`] = new Tensor('float32', next.ssm, [this.#rows, ...ssm])
    }
  }

  /** A row that waited was run with a pretended token: its state stays what it was. */
  finish(waits: readonly boolean[]): void {
    for (const [row, waited] of waits.entries()) {
      if (!waited) continue
      for (const index of this.#layers.keys()) {
        for (const part of ['conv', 'ssm'] as const) {
          this.#part(this.#next, index, part, row).set(this.#part(this.#now, index, part, row))
        }
      }
    }
    const written = this.#next
    this.#next = this.#now
    this.#now = written
  }

  read(row: number): RecurrentLayer[] {
    return this.#layers.map(({ layer, conv, ssm }, index) => ({
      layer,
      conv: this.#part(this.#now, index, 'conv', row).slice(),
      convDims: conv,
      ssm: this.#part(this.#now, index, 'ssm', row).slice(),
      ssmDims: ssm,
    }))
  }

  #part(set: readonly Layer[], index: number, part: Part, row: number): Float32Array {
    const all = set[index]?.[part] ?? new Float32Array(0)
    const size = all.length / this.#rows
    return all.subarray(row * size, (row + 1) * size)
  }

  #allocate(): Layer[] {
    return this.#layers.map(({ conv, ssm }) => ({
      conv: new Float32Array(this.#rows * sizeOf(conv)),
      ssm: new Float32Array(this.#rows * sizeOf(ssm)),
    }))
  }
}

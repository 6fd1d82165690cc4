import { Tensor } from 'onnxruntime-node'
import { type SsmLayerGeometry, sizeOf } from './layers.ts'
import type { RecurrentLayer, StateSnapshot } from './stateSnapshot.ts'

type Part = 'conv' | 'ssm'

/** One recurrent layer of all rows, `[room, …]`. */
interface Layer {
  readonly conv: Float32Array
  readonly ssm: Float32Array
}

/** The recurrent states of a batch: read one set, write the other, change places. */
export class BatchRecurrent {
  readonly #layers: readonly SsmLayerGeometry[]
  #room = 0
  #now: readonly Layer[] = []
  #next: readonly Layer[] = []

  constructor(layers: readonly SsmLayerGeometry[]) {
    this.#layers = layers
  }

  get bytes(): number {
    return 2 * this.#now.reduce((sum, { conv, ssm }) => sum + conv.byteLength + ssm.byteLength, 0)
  }

  /** Takes a state in as this row; one that has read nothing is all zeros. */
  add(row: number, { recurrent }: StateSnapshot): void {
    if (row >= this.#room) {
      const old = this.#now
      this.#room = Math.max(2, row + 1, this.#room * 2)
      this.#now = this.#allocate()
      this.#next = this.#allocate()
      for (const [index, { conv, ssm }] of old.entries()) {
        this.#now[index]?.conv.set(conv)
        this.#now[index]?.ssm.set(ssm)
      }
    }
    for (const index of this.#layers.keys()) {
      const state = recurrent[index]
      for (const part of ['conv', 'ssm'] as const) {
        const to = this.#part(this.#now, index, part, row)
        if (state === undefined) to.fill(0)
        else to.set(state[part])
      }
    }
  }

  /** Puts a row in the place of another that is no longer used. */
  move(from: number, to: number): void {
    for (const index of this.#layers.keys()) {
      for (const part of ['conv', 'ssm'] as const)
        this.#part(this.#now, index, part, to).set(this.#part(this.#now, index, part, from))
    }
  }

  /** Gives the memory back; there are no rows now. */
  free(): void {
    this.#now = []
    this.#next = []
    this.#room = 0
  }

  /** Of the first `rows` rows. */
  prepare(rows: number, feeds: Record<string, Tensor>, outputs: Record<string, Tensor>): void {
    const tensor = (set: readonly Layer[], index: number, part: Part, dims: readonly number[]) => {
      const all = set[index]?.[part] ?? new Float32Array(0)
      return new Tensor('float32', all.subarray(0, rows * sizeOf(dims)), [rows, ...dims])
    }
    for (const [index, { layer, conv, ssm }] of this.#layers.entries()) {
      feeds[`past_conv.${layer}`] = tensor(this.#now, index, 'conv', conv)
      feeds[`past_ssm.${layer}`] = tensor(this.#now, index, 'ssm', ssm)
      outputs[`present_conv.${layer}`] = tensor(this.#next, index, 'conv', conv)
      outputs[`present_ssm.${layer}`] = tensor(this.#next, index, 'ssm', ssm)
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
    const size = sizeOf(this.#layers[index]?.[part] ?? [])
    return (set[index]?.[part] ?? new Float32Array(0)).subarray(row * size, (row + 1) * size)
  }

  #allocate(): Layer[] {
    return this.#layers.map(({ conv, ssm }) => ({
      conv: new Float32Array(this.#room * sizeOf(conv)),
      ssm: new Float32Array(this.#room * sizeOf(ssm)),
    }))
  }
}

/** Which of a folder's or repository's files are the model's weights, by their names. */

export interface WeightFileNames {
  /** Says which tensor is in which file; null when the names do. */
  readonly index: string | null
  /** All that the names call for, be they there or not; with an index, those it may list. */
  readonly files: readonly string[]
}

const SINGLE = 'model.safetensors'
const OTHER_SINGLE = /[_.-]model\.safetensors$/
const INDEX = /^(.+)\.safetensors\.index\.json$/
const SHARD = /^(.+)-(\d+)-of-(\d+)\.safetensors$/
/** Files beside a model that hold something else: adapters, conversions of ours, what training left. */
const OTHER = /^(adapter_|statepack-|optimizer|training_)/

/**
 * One file of the usual name; an index; a numbered set; or a file like `pytorch_model.safetensors`. null when nothing of the
 * kind is there.
 */
export function weightFileNames(names: Iterable<string>): WeightFileNames | null {
  const all = [...names].filter(name => !OTHER.test(name)).sort()
  if (all.includes(SINGLE)) return { index: null, files: [SINGLE] }
  const files = all.filter(name => name.endsWith('.safetensors'))
  const index = preferred(all.filter(name => INDEX.test(name)))
  const sets = [...new Set(files.flatMap(name => SHARD.exec(name)?.[1] ?? []))]
  if (index !== null) {
    const own = files.filter(name => SHARD.exec(name)?.[1] === INDEX.exec(index)?.[1])
    return { index, files: own.length > 0 ? own : files }
  }
  const set = preferred(sets)
  if (set !== null) return { index: null, files: numbered(files, set) }
  const single = files.find(name => OTHER_SINGLE.test(name))
  return single === undefined ? null : { index: null, files: [single] }
}

/** The one that begins like the usual name, else the first. */
function preferred(names: readonly string[]): string | null {
  return names.find(name => name.startsWith('model')) ?? names[0] ?? null
}

/** Every file of the set, as one of them says how many there are. */
function numbered(files: readonly string[], set: string): string[] {
  const [first = ''] = files.filter(name => SHARD.exec(name)?.[1] === set)
  const [, , digits = '', count = '0'] = SHARD.exec(first) ?? []
  const total = Math.min(Number(count), 10_000)
  return Array.from(
    { length: total },
    (_, shard) => `${set}-${String(shard + 1).padStart(digits.length, '0')}-of-${count}.safetensors`,
  )
}

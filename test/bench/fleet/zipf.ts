/**
 * Draws ranks 0 … count - 1 with the popularity of Zipf's law: the rank r as often as 1 / (r + 1)^exponent. With the
 * exponent 0 all are equally popular.
 */
export function zipf(count: number, exponent: number): (uniform: number) => number {
  const upTo = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -exponent
    upTo[rank] = sum
  }
  return uniform => {
    const wanted = uniform * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((upTo[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

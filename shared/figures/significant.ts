/** `value` rounded to so many significant digits: a number to go on calculating with, not a text. */
export function significant(value: number, digits: number): number {
  return Number(value.toPrecision(digits))
}

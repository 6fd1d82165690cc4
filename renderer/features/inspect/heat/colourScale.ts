/** A 256-step colour ramp, packed for `ImageData`, between two colours of the theme. Mixed in OKLab: even steps to the eye. */
type Triple = readonly [number, number, number]

const toLinear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
const toGamma = (c: number) => (c <= 0.0031308 ? c * 12.92 : 1.055 * c ** (1 / 2.4) - 0.055)

/** sRGB in [0, 1] to OKLab. Source: B. Ottosson, "A perceptual color space for image processing" (2020). */
function toOklab([red, green, blue]: Triple): Triple {
  const r = toLinear(red)
  const g = toLinear(green)
  const b = toLinear(blue)
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

function fromOklab([lightness, a, b]: Triple): Triple {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    toGamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toGamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toGamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ]
}

/** `#rrggbb` as three numbers in [0, 1]; anything else is mid grey, so a missing token is seen and not a crash. */
export function parseHex(colour: string): Triple {
  const match = /^#([0-9a-f]{6})$/i.exec(colour.trim())
  if (match?.[1] === undefined) return [0.5, 0.5, 0.5]
  const value = Number.parseInt(match[1], 16)
  return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255]
}

/** Little-endian RGBA for each of 256 steps from `low` to `high`. */
export function colourScale(low: string, high: string): Uint32Array {
  const from = toOklab(parseHex(low))
  const to = toOklab(parseHex(high))
  const ramp = new Uint32Array(256)
  for (let step = 0; step < 256; step += 1) {
    const t = step / 255
    const mixed = [0, 1, 2].map(i => (from[i] ?? 0) + ((to[i] ?? 0) - (from[i] ?? 0)) * t)
    const [r, g, b] = fromOklab([mixed[0] ?? 0, mixed[1] ?? 0, mixed[2] ?? 0])
    const byte = (c: number) => Math.round(Math.min(1, Math.max(0, c)) * 255)
    ramp[step] = ((255 << 24) | (byte(b) << 16) | (byte(g) << 8) | byte(r)) >>> 0
  }
  return ramp
}

/** Where the window was left, so that it opens there again: on a screen that is still there, else in the default place. */
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { replaceFile } from '#engine/store/replaceFile.ts'

const boundsSchema = z.strictObject({
  x: z.number().int().optional(),
  y: z.number().int().optional(),
  width: z.number().int().min(200).max(20_000),
  height: z.number().int().min(200).max(20_000),
})
const stateSchema = z.strictObject({ bounds: boundsSchema, maximized: z.boolean() })
export type WindowState = z.infer<typeof stateSchema>

interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export const DEFAULT_STATE: WindowState = { bounds: { width: 1280, height: 800 }, maximized: false }

/** Keeps the size but drops a position of which no screen shows at least the title bar's worth. */
export function fitToScreens(state: WindowState, screens: readonly Area[]): WindowState {
  const { x, y, width, height } = state.bounds
  if (x === undefined || y === undefined) return state
  const seen = screens.some(
    area =>
      x + width >= area.x + 120 && x <= area.x + area.width - 120 && y >= area.y && y <= area.y + area.height - 60,
  )
  return seen ? state : { ...state, bounds: { width, height } }
}

/** A file that is absent or makes no sense is as good as none: the window then opens in the default place. */
export function readWindowState(file: string): WindowState {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return DEFAULT_STATE
  }
}

/** Best effort: where a window was is not worth an error. */
export async function writeWindowState(file: string, state: WindowState): Promise<void> {
  await mkdir(dirname(file), { recursive: true }).catch(() => {})
  await replaceFile(file, out => out.write(Buffer.from(JSON.stringify(state)))).catch(() => {})
}

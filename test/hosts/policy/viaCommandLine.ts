import { vi } from 'vitest'
import { createProgram } from '#hosts/cli/program.ts'
import { ERROR_CODES, type ErrorCode } from '#shared/domain/error.ts'

/** The program in this very process: what a shell starts, without starting a process a hundred times. Null for well. */
export async function viaCommandLine(path: string, args: readonly string[], store: string): Promise<ErrorCode | null> {
  const quiet = [process.stdout, process.stderr].map(out => vi.spyOn(out, 'write').mockReturnValue(true))
  process.exitCode = undefined
  try {
    const words = path.split(' ').slice(1)
    await createProgram().parseAsync([...words, ...args, '--store', store, '--device', 'cpu', '--quiet'], {
      from: 'user',
    })
    const code: unknown = process.exitCode ?? 0
    const found = Object.entries(ERROR_CODES).find(([, { exit }]) => exit === code)
    return (found?.[0] as ErrorCode | undefined) ?? null
  } finally {
    process.exitCode = undefined
    for (const spy of quiet) spy.mockRestore()
  }
}

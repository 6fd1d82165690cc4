import { useCallback } from 'react'
import type { Settings, SettingsChange } from '#shared/rpc/methods/engine.ts'
import { read } from './read.ts'
import { type Studio, useStudio } from './studio.ts'
import { useRead } from './useRead.ts'

/** The settings of this installation, the same in all windows; undefined until they were read. */
export function useSettings(): Settings | undefined {
  return useRead('settings.get', {}).data
}

export function useChangeSettings(): (part: SettingsChange) => Promise<void> {
  const studio = useStudio()
  return useCallback(part => changeSettings(studio, part), [studio])
}

/** Changes some settings at once here, and in the engine; throws (and takes it back) when the engine refuses. */
export async function changeSettings({ client, queries }: Studio, part: SettingsChange): Promise<void> {
  const { queryKey } = read('settings.get', {})
  // What is on its way was read before the change.
  await queries.cancelQueries({ queryKey })
  const before = queries.getQueryData(queryKey)
  if (before !== undefined)
    queries.setQueryData(queryKey, { ...before, ...part, memory: { ...before.memory, ...part.memory } })
  try {
    queries.setQueryData(queryKey, await client.call('settings.set', part))
  } catch (error) {
    queries.setQueryData(queryKey, before)
    void queries.invalidateQueries({ queryKey })
    throw error
  }
}

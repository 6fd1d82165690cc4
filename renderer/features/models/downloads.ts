import { createStore, type StoreApi } from 'zustand/vanilla'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Client } from '#shared/rpc/client.ts'
import type { Progress } from '#shared/rpc/progress.ts'

export interface Download {
  readonly status: 'running' | 'failed'
  readonly progress: Progress | null
  readonly error: unknown
  readonly cancel: () => void
}

export interface DownloadsState {
  /** What is on its way or failed, by hub id; done and cancelled ones are gone. */
  readonly downloads: Readonly<Record<string, Download>>
  readonly start: (hubId: string) => Promise<'done' | 'cancelled' | 'failed'>
  readonly dismiss: (hubId: string) => void
}

const stores = new WeakMap<Client, StoreApi<DownloadsState>>()

/** The downloads of this window. They outlive the Models page: one can go and ask a cartridge meanwhile. */
export function downloadsOf(client: Client): StoreApi<DownloadsState> {
  const known = stores.get(client)
  if (known !== undefined) return known
  const store = createStore<DownloadsState>((set, get) => {
    const put = (hubId: string, download: Download) => set({ downloads: { ...get().downloads, [hubId]: download } })
    const dismiss = (hubId: string) => {
      const { [hubId]: _, ...rest } = get().downloads
      set({ downloads: rest })
    }
    return {
      downloads: {},
      dismiss,
      start: async hubId => {
        const controller = new AbortController()
        const running = (progress: Progress | null) =>
          put(hubId, { status: 'running', progress, error: null, cancel: () => controller.abort() })
        running(null)
        try {
          await client.call('models.download', { hubId }, { signal: controller.signal, onProgress: running })
          dismiss(hubId)
          return 'done'
        } catch (thrown) {
          const error = toStatePackError(thrown)
          if (error.code === 'E_CANCELLED') {
            dismiss(hubId)
            return 'cancelled'
          }
          put(hubId, { status: 'failed', progress: null, error, cancel: () => dismiss(hubId) })
          return 'failed'
        }
      },
    }
  })
  stores.set(client, store)
  return store
}

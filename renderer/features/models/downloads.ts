import { createStore, type StoreApi } from 'zustand/vanilla'
import { toStatePackError } from '#shared/domain/error.ts'
import type { Client } from '#shared/rpc/client.ts'
import type { ModelSource } from '#shared/rpc/methods/models.ts'
import type { ModelView } from '#shared/rpc/methods/views.ts'
import type { Progress } from '#shared/rpc/progress.ts'

export interface Download {
  readonly status: 'running' | 'failed'
  readonly source: ModelSource
  readonly progress: Progress | null
  readonly error: unknown
  readonly cancel: () => void
}

export interface DownloadsState {
  /** What is on its way or failed, by hub id; done and cancelled ones are gone. */
  readonly downloads: Readonly<Record<string, Download>>
  /** The model once it is installed; null when it was cancelled or failed, which its entry then says. */
  readonly start: (hubId: string, source: ModelSource) => Promise<ModelView | null>
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
      start: async (hubId, source) => {
        const controller = new AbortController()
        const running = (progress: Progress | null) =>
          put(hubId, { status: 'running', source, progress, error: null, cancel: () => controller.abort() })
        running(null)
        try {
          const options = { signal: controller.signal, onProgress: running }
          const model = await client.call('models.download', { hubId, source }, options)
          dismiss(hubId)
          return model
        } catch (thrown) {
          const error = toStatePackError(thrown)
          if (error.code === 'E_CANCELLED') dismiss(hubId)
          else put(hubId, { status: 'failed', source, progress: null, error, cancel: () => dismiss(hubId) })
          return null
        }
      },
    }
  })
  stores.set(client, store)
  return store
}

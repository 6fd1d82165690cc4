/**
 * The whole of what a page can reach: call, post about a call, subscribe, and where a file lies that was dropped on it. It knows no method names (the contract does), hands out
 * no ipcRenderer, and fixes the channels. Runs in a sandbox with its own world; every value is cloned on the way.
 */
import { contextBridge, type IpcRendererEvent, ipcRenderer, webUtils } from 'electron'

contextBridge.exposeInMainWorld('statepack', {
  call: (id: number, method: string, input: unknown, uploads: boolean) =>
    ipcRenderer.invoke('statepack:call', { id, method, input, uploads }),
  pathOf: (file: Parameters<typeof webUtils.getPathForFile>[0]) => webUtils.getPathForFile(file),
  post: (message: unknown) => ipcRenderer.send('statepack:post', message),
  subscribe: (kind: string, listener: (message: unknown) => void) => {
    const own = (_event: IpcRendererEvent, message: { readonly kind: string }) => {
      if (message.kind === kind) listener(message)
    }
    ipcRenderer.on('statepack:message', own)
    // What waited for somebody to listen comes now.
    ipcRenderer.send('statepack:listen', { kind })
    return () => {
      ipcRenderer.removeListener('statepack:message', own)
    }
  },
})

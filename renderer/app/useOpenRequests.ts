import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { onOpenRequest } from '../client/openRequests.ts'
import { toastDone } from '../ui/toasts.tsx'
import { openFiles } from './openFiles.ts'
import { useUi } from './uiStore.ts'

/**
 * Does what the desktop app is asked from outside the page: menu entries, files and links opened with it. A file only
 * opens the review sheet; a link leads there too, once its file has been fetched by the person.
 */
export function useOpenRequests(): void {
  const navigate = useNavigate()
  useEffect(
    () =>
      onOpenRequest(request => {
        const ui = useUi.getState()
        if (request.kind === 'go') navigate(request.route)
        else if (request.kind === 'review') ui.setImports([new File([request.bytes], request.name)])
        else if (request.kind === 'review-link')
          toastDone('A link offers a cartridge. Fetch its file, then drop it here to review it.', request.link)
        else if (request.command === 'palette') ui.openPalette(true)
        else if (request.command === 'shortcuts') ui.openHelp(true)
        else if (request.command === 'import') openFiles('.cartridge', files => ui.setImports(files))
      }),
    [navigate],
  )
}

import { useEffect } from 'react'
import { useNavigate } from 'react-router'
import { isCommandId } from '#shared/domain/commands.ts'
import { nameOfAddress } from '../client/nameOfAddress.ts'
import { onOpenRequest } from '../client/openRequests.ts'
import { runCommand } from './runCommand.ts'
import { useUi } from './uiStore.ts'

/** Does what the operating system or the menu asks of this window. A file or a link only ever opens a review. */
export function useOpenRequests(): void {
  const navigate = useNavigate()
  useEffect(
    () =>
      onOpenRequest(request => {
        const ui = useUi.getState()
        if (request.kind === 'review') ui.setImports([...ui.imports, request.file])
        if (request.kind === 'review-link') {
          const offered = { name: nameOfAddress(request.link), from: request.link, link: true, asksFirst: true }
          ui.setImports([...ui.imports, offered])
        }
        if (request.kind === 'go' && request.route.startsWith('/')) void navigate(request.route)
        if (request.kind === 'command' && isCommandId(request.command)) runCommand(request.command)
      }),
    [navigate],
  )
}

import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from 'react-router'
import { type Studio, StudioContext } from '../stores/studio.ts'
import { ErrorBoundary } from './ErrorBoundary.tsx'
import { createRoutes } from './routes.tsx'

const router = createRoutes()

/** The whole window. */
export function App({ studio }: { readonly studio: Studio }) {
  return (
    <ErrorBoundary>
      <StudioContext value={studio}>
        <QueryClientProvider client={studio.queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </StudioContext>
    </ErrorBoundary>
  )
}

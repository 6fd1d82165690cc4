import { Component, type ReactNode } from 'react'
import { ErrorPanel } from '../ui/ErrorPanel.tsx'

interface Props {
  readonly children: ReactNode
  /** A new value (e.g. the route) gives the children another chance. */
  readonly resetKey?: string
}
interface State {
  readonly error: unknown
  readonly key: string | undefined
}

/** Catches what a view throws, so that the rest of the window goes on. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { error: null, key: undefined }

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error }
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.resetKey === state.key ? null : { error: null, key: props.resetKey }
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children
    return (
      <div className="Shell-crash">
        <ErrorPanel
          error={this.state.error}
          action={{ label: 'Show this again', onPress: () => this.setState({ error: null }) }}
        />
      </div>
    )
  }
}

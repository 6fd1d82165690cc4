/** Where an engine in this process keeps its things, and what it runs on. */
export interface EngineOptions {
  /** Folder of the store; default the one of the Studio on this machine. */
  readonly store?: string
  /** Folders with models, besides the starters and what the Studio has downloaded. */
  readonly models?: readonly string[]
  /** `cpu`, `webgpu`, …, or `auto`; default as the settings say. */
  readonly device?: string
  readonly threads?: number
}

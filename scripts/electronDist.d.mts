export interface Asked {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
  readonly arch?: string
}

export type FoundElectron =
  | { readonly path: string; readonly name?: undefined }
  | {
      readonly path: null
      readonly name: string
      readonly url: string
      readonly sha256: string
      readonly looked: readonly string[]
    }

/** A zip or folder of Electron, or what is missing. Throws for a zip with other bytes than the published one. */
export function findElectronDist(root: string, asked?: Asked): Promise<FoundElectron>

export interface Component {
  readonly name: string
  readonly version: string
  readonly 'bom-ref': string
  readonly licenses?: readonly unknown[]
}

export interface Bom {
  readonly components: readonly Component[]
}

/** What is shipped of others, as CycloneDX. */
export function billOfMaterials(root: string): Promise<Bom>
export function licenceOf(component: Component): string | null
export function licenceTexts(root: string, bom: Bom): string

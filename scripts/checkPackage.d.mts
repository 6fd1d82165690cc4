export type WantedFuses = Readonly<Record<string, boolean>>

export function wantedFuses(root: string): WantedFuses
/** What is wrong with an unpacked package; nothing for none. */
export function packageProblems(
  folder: string,
  package_: { readonly program: string; readonly resources?: string; readonly fuses: WantedFuses },
): Promise<string[]>
/** What is wrong with the update feeds in a folder. */
export function feedProblems(folder: string): string[]

/** How one reconcile ended. */
export type Outcome =
  /** Look again after that time; at rest: all is as it should be, or will not be before something changes. */
  | { readonly kind: 'again'; readonly afterMs: number; readonly isAtRest: boolean }
  /** Nothing is left to do. */
  | { readonly kind: 'done' }
  /** Something outside failed; try again with growing pauses. */
  | { readonly kind: 'failed'; readonly error: unknown }

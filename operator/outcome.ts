/** How one reconcile ended. */
export type Outcome =
  /** Look again after that time. */
  | { readonly kind: 'again'; readonly afterMs: number }
  /** Nothing is left to do. */
  | { readonly kind: 'done' }
  /** Something outside failed; try again with growing pauses. */
  | { readonly kind: 'failed'; readonly error: unknown }

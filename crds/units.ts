import * as z from 'zod'
import { OBJECT_NAME } from './patterns.ts'

/** Every level of `T` read-only: parsed manifests are deeply frozen, and their types say so. */
export type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** A name of an object of the core API. */
export const objectName = () => z.string().min(1).max(253).regex(OBJECT_NAME.pattern)

/** A port number; 0 is never meant. */
export const portNumber = () => z.int().min(1).max(65535)

/** Values kept with objects, as a `WeakMap` keeps them: nobody else sees them and they go with the object. */
export interface Hidden<Value> {
  get(object: object): Value | undefined
  set(object: object, value: Value): void
}

/** Hands out the object that it is given, so that a class can put its private field on it. */
class Given {
  constructor(object: object) {
    return object
  }
}

/**
 * Makes a {@link Hidden} of a private field. It is what a `WeakMap` is to the object and to everybody who looks at it:
 * no property, not copied, there on a frozen object too. But an entry of a `WeakMap` costs 1.4 µs per fresh key
 * on Node 20 and 24, most of it in the garbage collector, and this 0.05: `docs/decisions/003-private-field.md`.
 */
export function createHidden<Value>(): Hidden<Value> {
  class Holder extends Given {
    #value: Value

    constructor(object: object, value: Value) {
      super(object)
      this.#value = value
    }

    static get(object: object): Value | undefined {
      return #value in object ? object.#value : undefined
    }

    static set(object: object, value: Value): void {
      if (#value in object) object.#value = value
      else new Holder(object, value)
    }
  }
  return { get: (object) => Holder.get(object), set: (object, value) => Holder.set(object, value) }
}

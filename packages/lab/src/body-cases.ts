import { chain, modelOf, send, type Middleware } from '@breakwater/core'
import { theirThree, wrapName } from './behaviour-cases.ts'
import { five, fiveOnBodies, recipe } from './bench/stacks.ts'
import { callParts, freshUpstream, read, type Case } from './call-parts.ts'
import { creates } from './seam-cases.ts'

/** Asks for the model of the request, as whoever is keyed on it does. */
const asks: Middleware = (request, next, ctx) => {
  modelOf(request, ctx)
  return send(request, next, ctx)
}

/** Calls that must not cost more with a larger request, of which the body has about `bytes`. */
export function bodyCases(bytes: number): Case[] {
  const { request, context, modelLast } = callParts(bytes)
  const through = (name: string, middleware: Middleware): Case =>
    read(name, () => middleware(request(), freshUpstream, context()))
  const three = theirThree()
  const model = chain(asks)
  return [
    read('bare call', () => freshUpstream(request(), context())),
    read(wrapName, () => three.execute(() => freshUpstream(request(), context()))),
    through('the model, named first', model),
    read('the model, named last', () =>
      model(Object.assign(request(), { body: modelLast }), freshUpstream, context()),
    ),
    through(five.name, five.make()),
    through(fiveOnBodies.name, fiveOnBodies.make()),
    through(recipe.name, recipe.make()),
    creates("the SDK's create()", bytes, {}),
    creates("the SDK's create() with the recipe", bytes, { middleware: [recipe.make()] }),
  ]
}

/** The least a proxy on workerd can do: send the request on to the upstream, return what comes. */
export default {
  fetch(request, env) {
    const url = new URL(request.url)
    url.host = env.UPSTREAM
    return fetch(new Request(url, request))
  },
}

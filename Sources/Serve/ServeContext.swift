package import Hummingbird
internal import NIOCore

/// What is known about a request beside what it says itself.
package struct ServeContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The address of the client or of the proxy before it, such as `127.0.0.1`.
    package let peer: String

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.channel.remoteAddress?.ipAddress ?? ""
    }
}

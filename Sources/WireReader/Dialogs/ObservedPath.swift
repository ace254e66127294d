import SIPMessage
import SansIO

/// What a request says of its way.
public struct ObservedPath {
  /// It has one Via: its sender wrote it, and does not forward it (RFC 3261 §16.6).
  public var isOriginal = false
  /// Route, as written; nil when it cannot be read.
  public var routes: [NameAddress]? = []
  /// Record-Route, as written; nil when it cannot be read.
  public var recordRoutes: [NameAddress]? = []

  public init() {}

  init(_ observed: ObservedMessage) {
    let message = observed.message
    isOriginal = message.hasOneVia ? observed.top != nil || observed.via != nil : (try? message.vias())?.count == 1
    if message.has(.route) { routes = try? message.routes() }
    if message.has(.recordRoute) { recordRoutes = try? message.recordRoutes() }
  }
}

/// A header field name. Names compare without regard to case, and a compact form is the name it stands for (RFC 3261 §7.3.1, §7.3.3).
public struct HeaderName: Sendable {
  /// The number of a known name; ``KnownHeader/other`` for an extension.
  public let known: KnownHeader
  /// As it will be written: the canonical spelling of a known name, an extension's as given.
  public let text: String

  public init(_ text: String) {
    known = KnownHeader(name: text)
    self.text = known == .other ? text : known.text
  }

  public init(_ known: KnownHeader) {
    self.known = known
    text = known.text
  }
}

extension HeaderName: Hashable, CustomStringConvertible {
  public static func == (left: HeaderName, right: HeaderName) -> Bool {
    left.known == right.known && (left.known != .other || Parameters.isSame(left.text, right.text))
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(known)
    guard known == .other else { return }
    for byte in text.utf8 { hasher.combine(lowercase(byte)) }
  }

  /// Whether an extension's name is written here, in any case.
  func isWritten(_ span: Span<UInt8>, _ range: Range<Int>) -> Bool {
    let name = text.utf8
    guard name.count == range.count else { return false }
    var index = range.lowerBound
    for byte in name {
      guard lowercase(byte) == lowercase(span[index]) else { return false }
      index += 1
    }
    return true
  }

  public var description: String { text }
}

extension HeaderName {
  public static let accept = HeaderName(.accept)
  public static let acceptEncoding = HeaderName(.acceptEncoding)
  public static let alertInfo = HeaderName(.alertInfo)
  public static let allow = HeaderName(.allow)
  public static let authorization = HeaderName(.authorization)
  public static let callInfo = HeaderName(.callInfo)
  public static let callID = HeaderName(.callID)
  public static let contact = HeaderName(.contact)
  public static let contentDisposition = HeaderName(.contentDisposition)
  public static let contentEncoding = HeaderName(.contentEncoding)
  public static let contentLength = HeaderName(.contentLength)
  public static let contentType = HeaderName(.contentType)
  public static let cseq = HeaderName(.cseq)
  public static let date = HeaderName(.date)
  public static let diversion = HeaderName(.diversion)
  public static let errorInfo = HeaderName(.errorInfo)
  public static let event = HeaderName(.event)
  public static let expires = HeaderName(.expires)
  public static let from = HeaderName(.from)
  public static let maxForwards = HeaderName(.maxForwards)
  public static let minExpires = HeaderName(.minExpires)
  public static let pAssertedIdentity = HeaderName(.pAssertedIdentity)
  public static let proxyRequire = HeaderName(.proxyRequire)
  public static let proxyAuthenticate = HeaderName(.proxyAuthenticate)
  public static let proxyAuthorization = HeaderName(.proxyAuthorization)
  public static let reason = HeaderName(.reason)
  public static let recordRoute = HeaderName(.recordRoute)
  public static let referTo = HeaderName(.referTo)
  public static let remotePartyID = HeaderName(.remotePartyID)
  public static let replaces = HeaderName(.replaces)
  public static let replyTo = HeaderName(.replyTo)
  public static let require = HeaderName(.require)
  public static let retryAfter = HeaderName(.retryAfter)
  public static let route = HeaderName(.route)
  public static let server = HeaderName(.server)
  public static let sessionExpires = HeaderName(.sessionExpires)
  public static let sessionID = HeaderName(.sessionID)
  public static let subject = HeaderName(.subject)
  public static let supported = HeaderName(.supported)
  public static let timestamp = HeaderName(.timestamp)
  public static let to = HeaderName(.to)
  public static let unsupported = HeaderName(.unsupported)
  public static let userAgent = HeaderName(.userAgent)
  public static let via = HeaderName(.via)
  public static let warning = HeaderName(.warning)
  public static let wwwAuthenticate = HeaderName(.wwwAuthenticate)
}

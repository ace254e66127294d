import SIPTransport
import SansIO

/// Something that keeps a live host from running, in one sentence for its user.
public struct LiveFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

extension LiveFailure {
  /// One sentence for a listener that could not be opened.
  static func listening(_ listener: TransportListener, _ failure: BindFailure) -> LiveFailure {
    switch failure {
    case .addressInUse: LiveFailure("\(listener) is in use by another program")
    case .addressNotAvailable: LiveFailure("\(listener.address.address) is not an address of this machine")
    case .noDescriptor, .system: LiveFailure("cannot listen on \(listener): \(failure)")
    case .permissionDenied: LiveFailure("permission denied to listen on \(listener); ports below 1024 require root")
    case .other(let reason): LiveFailure("cannot listen on \(listener): \(reason)")
    }
  }
}

import Glibc
import SansIO

extension SystemError {
  /// The meaning of an errno.
  public init(_ number: Int32) {
    self = Self.meanings[number] ?? .other(number)
  }

  private static let meanings: [Int32: SystemError] = [
    EAGAIN: .wouldBlock, EINVAL: .invalidArgument, EPERM: .notPermitted, EACCES: .accessDenied, ENETUNREACH: .networkUnreachable,
    ENETDOWN: .networkDown, EHOSTUNREACH: .hostUnreachable, EHOSTDOWN: .hostDown, ECONNREFUSED: .connectionRefused,
    ECONNRESET: .connectionReset, ECONNABORTED: .connectionAborted, ETIMEDOUT: .timedOut, EPIPE: .brokenPipe, EMSGSIZE: .messageTooLong,
    ENOBUFS: .noBufferSpace, ENOMEM: .outOfMemory, EADDRINUSE: .addressInUse, EADDRNOTAVAIL: .addressNotAvailable,
    EAFNOSUPPORT: .addressFamilyNotSupported, EINTR: .interrupted, EMFILE: .tooManyDescriptors, ENFILE: .tooManyOpenFiles,
    EPROTO: .protocolError,
  ]

  /// Whether it says that no descriptor is left.
  var isOfDescriptors: Bool { self == .tooManyDescriptors || self == .tooManyOpenFiles }
}

extension BindFailure {
  init(_ error: SystemError) {
    switch error {
    case .addressInUse: self = .addressInUse
    case .addressNotAvailable: self = .addressNotAvailable
    case .accessDenied, .notPermitted: self = .permissionDenied
    case .tooManyDescriptors, .tooManyOpenFiles: self = .noDescriptor
    default: self = .system(error)
    }
  }
}

extension ConnectFailure {
  init(_ error: SystemError) {
    switch error {
    case .connectionRefused: self = .refused
    case .networkUnreachable, .hostUnreachable, .networkDown, .hostDown: self = .unreachable
    case .timedOut: self = .timedOut
    default: self = .other("\(error)")
    }
  }
}

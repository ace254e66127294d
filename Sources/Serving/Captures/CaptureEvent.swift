import Capture
import SIPUserAgent
import SansIO

/// What the captures of a live host have to say to its log.
public enum CaptureEvent: Hashable, Sendable {
  /// The leg's call has this file from now on.
  case callOpened(LegID, callID: String, path: String)
  /// A TLS connection has this file for its ciphertext and its secrets.
  case connectionOpened(local: TransportAddress, remote: TransportAddress, path: String)
  /// A file could not be opened or written; said once a file, which goes on when it can.
  case failed(CaptureFailure)
  /// A file was closed without these packets, which could not be written.
  case incomplete(path: String, packets: Int)

  /// Whether evidence is missing: said however little is logged.
  public var isProblem: Bool {
    switch self {
    case .callOpened, .connectionOpened: false
    case .failed, .incomplete: true
    }
  }
}

extension CaptureEvent: CustomStringConvertible {
  public var description: String {
    switch self {
    case .callOpened(let leg, _, let path): "\(leg): captured in \(path)"
    case .connectionOpened(_, let remote, let path): "the TLS connection with \(remote) is captured in \(path)"
    case .failed(let failure): "capture: \(failure)"
    case .incomplete(let path, let packets): "capture: \(path) lacks \(CountText.of(packets, "packet")) that could not be written"
    }
  }
}

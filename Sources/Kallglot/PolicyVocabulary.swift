import KallglotPolicy
import CallControl
import Media
import SDP
import SIPTransport
import SIPUserAgent

// What the words of a policy mean to the stack.

extension Policy {
  /// Whether signalling over the transport is allowed; a trunk has no WebSocket.
  func allows(_ transport: SIPTransportProtocol) -> Bool { transports.contains { $0.transport == transport } }

  /// The codecs of the policy, in its order of preference.
  public var spokenCodecs: [AudioCodec] {
    var spoken: [AudioCodec] = []
    spoken.reserveCapacity(codecs.count)
    for codec in codecs { spoken.append(codec.codec) }
    return spoken
  }
}

extension Policy.Transport {
  var transport: SIPTransportProtocol {
    switch self {
    case .udp: .udp
    case .tcp: .tcp
    case .tls: .tls
    }
  }
}

extension Policy.Codec {
  var codec: AudioCodec {
    switch self {
    case .opus: .opus
    case .g722: .g722
    case .pcmu: .pcmu
    case .pcma: .pcma
    }
  }
}

extension Policy.DigestAlgorithm {
  var algorithm: DigestAlgorithm {
    switch self {
    case .md5: .md5
    case .sha256: .sha256
    }
  }
}

extension Policy.AnswerForm {
  var form: AnswerForm {
    switch self {
    case .ringing: .ringing
    case .nothing: .nothing
    case .earlyMedia: .earlyMedia
    }
  }
}

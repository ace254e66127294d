import Codecs
import SDP

extension AudioCodec {
  /// The codec behind the name, as any peer's packets are decoded.
  public var spoken: Codec {
    switch self {
    case .pcmu: .g711(.mu)
    case .pcma: .g711(.a)
    case .g722: .g722
    case .opus: .opus(OpusParameters())
    }
  }
}

extension AudioAgreement {
  /// The codec as we send it: Opus as the peer asks for it (RFC 7587 §6.1).
  public var spoken: Codec { codec == .opus ? .opus(OpusParameters(opus)) : codec.spoken }
}

extension OpusParameters {
  /// What an encoder does for a peer that says this of its Opus. One channel is sent to whoever likes stereo better as well: no sender has
  /// to send two (RFC 7587 §6.1).
  init(_ format: OpusFormat) {
    self.init()
    maximumPlaybackRate = Int32(format.maximumPlaybackRate)
    if format.maximumAverageBitrate > 0 { averageBitrate = min(averageBitrate, Int32(clamping: format.maximumAverageBitrate)) }
    usesFEC = format.switches.contains(.inBandFEC)
    usesDTX = format.switches.contains(.dtx)
    isConstantBitrate = format.switches.contains(.constantBitrate)
  }
}

import SansIO

/// What the media of a peer are held to.
extension PeerViolation.Rule {
  public static let rtpMalformed = Self("rtp-malformed", "RFC 3550 §5.1", "an RTP packet has a complete header of version 2")
  public static let rtpPayloadType = Self("rtp-payload-type", "RFC 3264 §5.1", "RTP has a payload type that was negotiated")
  public static let rtpWhileHeld = Self("rtp-while-held", "RFC 3264 §5.1", "no RTP is sent on a stream whose direction does not allow it")
  public static let rtpSource = Self("rtp-source", "RFC 4961 §3", "RTP comes from one address until the session is changed")
  public static let rtcpMalformed = Self("rtcp-malformed", "RFC 3550 §6.1", "an RTCP packet is complete, with consistent lengths")
}

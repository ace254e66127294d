import SansIO

/// What RTP and RTCP are held to, packet by packet and as streams.
extension Rule {
  public static let rtpMalformed = Rule(
    "rtp-malformed", .error, "RFC 3550 §5.1", "an RTP packet has a complete header of version 2", by: .both)
  public static let rtcpMalformed = Rule(
    "rtcp-malformed", .error, "RFC 3550 §6.1", "an RTCP packet is complete, with consistent lengths", by: .both)
  public static let rtpPayloadType = Rule(
    "rtp-payload-type", .error, "RFC 3264 §5.1", "RTP has a payload type that was negotiated", by: .both)
  public static let rtpWhileHeld = Rule(
    "rtp-while-held", .error, "RFC 3264 §5.1", "no RTP is sent on a stream whose direction does not allow it", by: .both)
  public static let rtpSource = Rule(
    "rtp-source", .warning, "RFC 4961 §3", "RTP comes from one address until the session is changed", by: .both)
  public static let mediaAddress = Rule(
    "media-address", .note, "RFC 4961 §4", "RTP comes from the address that its sender receives at")
  public static let mediaPort = Rule("media-port", .warning, "RFC 3264 §5.1", "RTP goes to a port that was described")
  public static let formerAddress = Rule(
    "rtp-to-former-address", .error, "RFC 3264 §8.3.1", "RTP goes to the new address once a re-INVITE has moved it")
  public static let controlPort = Rule("rtcp-port", .warning, "RFC 3550 §11", "RTCP goes to the port that was agreed for it")
  public static let mediaAfterBye = Rule("media-after-bye", .warning, "RFC 3261 §15.1.1", "RTP ends with the BYE", failsRuns: .errors)
  public static let streamQuality = Rule(
    "stream-quality", .error, "ITU-T G.107", "RTP arrives without loss and jitter that are heard", failsRuns: .asked)
  public static let oneWayAudio = Rule(
    "one-way-audio", .warning, "RFC 3264 §5.1", "audio that was agreed both ways flows both ways", judgesAbsence: true)
  public static let mediaLate = Rule("media-late", .warning, "RFC 3264 §5.1", "audio begins with the answer", judgesAbsence: true)
  public static let mediaStops = Rule(
    "media-stops", .warning, "RFC 3264 §5.1", "audio goes on until it is agreed otherwise, or the dialog ends", judgesAbsence: true)

  public static let srtpUnverified = Rule(
    "srtp-unverified", .error, "RFC 3711 §3.3", "a packet of a stream over SRTP can be verified with the key that was agreed", by: .both)

  public static let srtpFormerKey = Rule(
    "srtp-former-key", .error, "RFC 4568 §7.1.4", "SRTP has the key that its sender's description has since the last agreement")

  static let media: [Rule] = [
    rtpMalformed, rtcpMalformed, rtpPayloadType, rtpWhileHeld, rtpSource, mediaAddress, mediaPort, formerAddress, controlPort,
    mediaAfterBye, streamQuality, oneWayAudio, mediaLate, mediaStops, srtpUnverified, srtpFormerKey,
  ]
}

/// The clock and the numbering of a stream, and what is reported of it.
extension Rule {
  public static let timestampJump = Rule(
    "timestamp-jump", .warning, "RFC 3550 §5.1", "the timestamps of a stream keep time with its packets")
  public static let timestampStep = Rule(
    "timestamp-step", .error, "RFC 3550 §5.1", "a timestamp grows by what the payload before it holds")
  public static let clockPace = Rule("clock-pace", .warning, "RFC 3550 §5.1", "audio comes as fast as it is heard")
  public static let sequenceRestart = Rule(
    "sequence-restart", .warning, "RFC 3550 §5.1", "sequence numbers start over with a new SSRC alone")
  public static let sequenceStill = Rule("sequence-still", .error, "RFC 3550 §5.1", "the sequence number grows by one for each packet")
  public static let marker = Rule("marker", .warning, "RFC 3551 §4.1", "the marker is on the first packet of a talkspurt, and on no other")
  public static let packetTime = Rule(
    "packet-time", .warning, "RFC 8866 §6.4", "packets hold as much audio as was agreed, and no more than is taken")
  public static let sourceChange = Rule(
    "ssrc-change", .warning, "RFC 3550 §8.1", "a source keeps its SSRC until it moves to another address")
  public static let reportedLoss = Rule(
    "reported-loss", .error, "RFC 3550 §6.4.1", "the loss that a receiver reports is that of the stream which it gets", failsRuns: .errors)
  public static let reportedJitter = Rule(
    "reported-jitter", .warning, "RFC 3550 §6.4.1", "the jitter that a receiver reports is that of the stream which it gets")
  public static let senderReport = Rule(
    "sender-report", .error, "RFC 3550 §6.4.1", "a sender report counts what was sent, and its clocks go on with the time")
  public static let receptionReport = Rule(
    "reception-report", .error, "RFC 3550 §6.4.1", "a reception report is about a source that came, and about what came of it")
  public static let canonicalName = Rule(
    "rtcp-cname", .warning, "RFC 3550 §6.1", "each compound RTCP packet has the CNAME of its source")
  public static let controlGoodbye = Rule(
    "rtcp-bye", .warning, "RFC 3550 §6.6", "a source that leaves a call says BYE in RTCP", judgesAbsence: true, failsRuns: .always)

  public static let audioLaw = Rule("audio-law", .error, "RFC 3551 §4.5.14", "PCMU holds mu-law, and PCMA A-law")

  public static let dtmfMarker = Rule(
    "dtmf-marker", .error, "RFC 4733 §2.5.1.1", "the first packet of a telephone-event has the marker, and no other one")
  public static let dtmfTimestamp = Rule(
    "dtmf-timestamp", .error, "RFC 4733 §2.2.1", "all packets of a telephone-event have the timestamp of its beginning")
  public static let dtmfDuration = Rule(
    "dtmf-duration", .error, "RFC 4733 §2.5.1.2", "the duration of a telephone-event grows from packet to packet")
  public static let dtmfEnd = Rule(
    "dtmf-end", .error, "RFC 4733 §2.5.1.4", "the end of a telephone-event is sent, and three times")
  public static let dtmfClock = Rule(
    "dtmf-clock", .error, "RFC 4733 §2.1", "telephone-event has the clock of the audio beside it, and keeps time by it")
  public static let dtmfPayload = Rule(
    "dtmf-payload", .error, "RFC 4733 §2.3", "a payload of telephone-event is made of whole blocks of four octets")
  public static let dtmfEvents = Rule(
    "dtmf-events", .error, "RFC 4733 §2.4.1", "only events that the receiver lists in its fmtp are sent")
  public static let dtmfTimeline = Rule(
    "dtmf-timeline", .error, "RFC 4733 §2.1", "the timestamps of the audio go on while a telephone-event is sent")

  static let digits: [Rule] = [dtmfMarker, dtmfTimestamp, dtmfDuration, dtmfEnd, dtmfClock, dtmfPayload, dtmfEvents, dtmfTimeline]

  static let clocks: [Rule] = [
    timestampJump, timestampStep, clockPace, sequenceRestart, sequenceStill, marker, packetTime, sourceChange, reportedLoss,
    reportedJitter, senderReport, receptionReport, canonicalName, controlGoodbye, audioLaw,
  ]
}

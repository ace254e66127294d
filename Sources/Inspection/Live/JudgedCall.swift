import SansIO
import WireReader

/// How a call went, as the packets of a tap show it.
public struct JudgedCall: Sendable, Hashable {
  /// An RTP stream as its receiver's tap counts it.
  public struct Stream: Sendable, Hashable {
    public var source: TransportAddress
    public var destination: TransportAddress
    public var codec: String
    public var packets: Int
    /// Expected less distinct.
    public var lost: Int
    /// The mean, in milliseconds; nil where the clock rate is not known.
    public var jitter: Double?
  }

  public var callID: String
  public var from: String
  public var to: String
  /// Where its first INVITE came from, and went.
  public var caller: TransportAddress?
  public var callee: TransportAddress?
  /// One word: `hung-up`, `refused`, …
  public var outcome: String
  /// The outcome in words.
  public var course: String
  public var streams: [Stream]
  /// Errors and warnings that were said of it.
  public internal(set) var findings = 0
  /// It may still go on, or be tried again.
  let isOpen: Bool

  init(_ story: DialogStory, _ streams: [RTPStream]) {
    let conversation = story.conversation
    (callID, from, to) = (conversation.callID, conversation.fromURI, conversation.toURI)
    (caller, callee) = (story.caller, story.callee)
    (outcome, course) = (story.outcome.name, Words.outcome(story.outcome, story))
    isOpen =
      switch story.outcome {
      case .hungUp, .answerNotCaptured, .cancelled, .refused, .redirected, .beganBefore: false
      case .up, .challenged, .noFinalResponse: true
      }
    self.streams = streams.prefix(Self.mostStreams).map { stream in
      Stream(
        source: stream.key.source, destination: stream.key.destination, codec: Words.encoding(stream.codec),
        packets: stream.course.packets, lost: stream.lost, jitter: stream.hasClock ? stream.meanJitter : nil)
    }
  }

  private static let mostStreams = 8
}

extension JudgedCall: CustomStringConvertible {
  /// `call from sip:a@x (192.0.2.1:5060) to sip:b@y: answered, hung up by the caller after 12.0 s; RTP from … to …: PCMU, 600 packets, …`
  public var description: String {
    let place = caller.map { " (\($0))" } ?? ""
    let count = findings > 0 ? "; \(Words.count(findings, "finding"))" : ""
    return "call from \(from)\(place) to \(to): \(course)\(streams.map { "; \($0)" }.joined())\(count)"
  }
}

extension JudgedCall.Stream: CustomStringConvertible {
  /// `RTP from 192.0.2.1:6000 to 192.0.2.2:20000: PCMU, 600 packets, 2 lost, mean jitter 0.4 ms`
  public var description: String {
    let jitter = jitter.map { ", mean jitter \(Words.decimal($0, 1)) ms" } ?? ""
    return "RTP from \(source) to \(destination): \(codec), \(Words.count(packets, "packet")), \(lost) lost\(jitter)"
  }
}

import Capture
import SansIO

/// What a file is and what was not read of it.
public struct CaptureFacts {
  public var path: String
  public var frames = 0
  public var first: FrameStamp?
  public var last: FrameStamp?
  /// Until when its interfaces were watched, where the file says so: behind its last packet nothing more came.
  public var watchedUntil: Int64?
  public var linkTypes: [LinkType] = []
  /// Frames that the capture cut before the end of what mattered.
  public var cutFrames = 0
  /// SIP messages among them.
  public var cutMessages = 0
  public var fragmentsJoined = 0
  public var fragmentsIncomplete = 0
  /// Frames by why they were not read, in the order of the first.
  public private(set) var unread: [(reason: UnreadReason, count: Int)] = []
  /// Why the file could not be read to its end.
  public var problem: String?
  public var deliberatelyBroken = 0
  public var udpOther = 0
  /// Datagrams that were captured twice, and counted once.
  public var copiedFrames = 0
  /// The hosts whose own tap it is, where it says which packets they received.
  public private(set) var own: Set<IPAddress> = []
  /// The two that were seen last: a call goes to and fro.
  private var lastOwn: (IPAddress?, IPAddress?)

  /// The even ports of media between which packets were damaged on the way, by the network's own word.
  private var damaged: Set<TransportAddress> = []
  private static let mostDamaged = 1_024

  public init(path: String) { self.path = path }

  /// A bit of a datagram was flipped between these two.
  mutating func damaged(_ source: TransportAddress, _ destination: TransportAddress) {
    guard damaged.count < Self.mostDamaged else { return }
    damaged.formUnion([Self.media(source), Self.media(destination)])
  }

  /// Whether media from or to an address was damaged: nobody is accused of what the network made of it.
  public func isDamaged(_ place: TransportAddress) -> Bool { !damaged.isEmpty && damaged.contains(Self.media(place)) }

  private static func media(_ place: TransportAddress) -> TransportAddress {
    TransportAddress(place.address, port: place.port & ~1)
  }

  mutating func received(by address: IPAddress) {
    guard address != lastOwn.0, address != lastOwn.1, own.count < 64 else { return }
    lastOwn = (address, lastOwn.0)
    own.insert(address)
  }

  public mutating func skip(_ reason: UnreadReason) {
    if let known = unread.firstIndex(where: { $0.reason == reason }) {
      unread[known].count += 1
    } else {
      unread.append((reason, 1))
    }
  }

  /// Frames that were not read and may carry SIP or RTP.
  public var hiddenFrames: Int { unread.reduce(0) { $0 + ($1.reason.hidesPackets ? $1.count : 0) } }

  /// Nanoseconds from the first frame to the last.
  public var duration: Int64 {
    guard let first, let last else { return 0 }
    return max(last.time &- first.time, 0)
  }
}

/// Counts of SIP messages: requests by method, responses by status and method.
public struct MessageCounts {
  public private(set) var requests: [(method: String, count: Int)] = []
  public private(set) var responses: [(status: Int, count: Int)] = []
  public private(set) var total = 0
  public private(set) var repeated = 0
  public var unreadable = 0

  public mutating func take(_ message: ObservedMessage, repetition: Int) {
    total += 1
    if repetition > 0 { repeated += 1 }
    if let status = message.status {
      if let known = responses.firstIndex(where: { $0.status == status }) {
        responses[known].count += 1
      } else {
        responses.append((status, 1))
      }
    } else {
      let method = message.method.token
      if let known = requests.firstIndex(where: { $0.method == method }) {
        requests[known].count += 1
      } else if requests.count < 64 {
        requests.append((method, 1))
      }
    }
  }

  public var sortedResponses: [(status: Int, count: Int)] { responses.sorted { $0.status < $1.status } }
}

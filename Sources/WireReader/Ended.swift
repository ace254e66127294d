import SansIO

/// What has ended, as a reader that keeps what is live alone hands it over: nothing more will come of it, copies included.
public struct Ended {
  /// In the order they began, as all of these.
  public internal(set) var conversations: [Conversation] = []
  /// Streams with what RTCP reported of them.
  public internal(set) var streams: [(stream: RTPStream, reports: ControlTable.Reports?)] = []
  public internal(set) var registrations: [RegistrationTable.Registration] = []
  public internal(set) var pings: [PingTable.Ping] = []
  /// Connections that carried TLS.
  public internal(set) var connections: [TLSFacts] = []
  /// What the ends of connections showed.
  public internal(set) var observed: [Observed] = []

  public init() {}
}

/// How long a reader keeps what it has seen.
public enum Keeping: Sendable {
  /// To the end, up to the limits of each table: for files.
  case everything
  /// Until it has ended and is asked for (``PassiveReader/release(at:epoch:)``): for taps that are read for weeks.
  case live

  /// Copies may come for 64·T1 (RFC 3261 §17.1.1.2). Nanoseconds, as all of these.
  static let copies: Int64 = 32_000_000_000
  /// An INVITE with a provisional response may take so long to be answered: a proxy's Timer C is longer than 3 minutes (RFC 3261 §16.6).
  static let ringing: Int64 = 600_000_000_000
  /// A subscription or publication that nobody refreshes is over; most ask for an hour (RFC 6665 §4.1.2.1, RFC 3842 §3.4).
  static let subscription: Int64 = 7_200_000_000_000
  /// Keep-alives of a peer that is gone.
  static let pings: Int64 = 3_600_000_000_000
  /// A dialog, or a connection, of which nothing was seen for a day has ended unseen.
  static let unseen: Int64 = 86_400_000_000_000
}

/// The numbers of the pcapng format (draft-ietf-opsawg-pcapng §3 and §4).
enum Pcapng {
  enum BlockType {
    static let section: UInt32 = 0x0A0D_0D0A
    static let interface: UInt32 = 1
    static let obsoletePacket: UInt32 = 2
    static let simplePacket: UInt32 = 3
    static let statistics: UInt32 = 5
    static let enhancedPacket: UInt32 = 6
    static let secrets: UInt32 = 10
    static let custom: UInt32 = 0x0000_0BAD
    /// Custom blocks, both kinds (draft-ietf-opsawg-pcapng §4.8), journal entries of systemd, and events of sysdig.
    static let numberedRecords: Set<UInt32> = [0x0000_0BAD, 0x4000_0BAD, 9, 0x204, 0x208, 0x216, 0x217, 0x221, 0x222]
  }

  enum Option {
    static let end: UInt16 = 0
    static let comment: UInt16 = 1
    static let hardware: UInt16 = 2
    static let operatingSystem: UInt16 = 3
    static let application: UInt16 = 4
    static let interfaceName: UInt16 = 2
    static let interfaceDescription: UInt16 = 3
    static let resolution: UInt16 = 9
    static let offset: UInt16 = 14
    static let packetFlags: UInt16 = 2
    static let startTime: UInt16 = 2
    static let endTime: UInt16 = 3
    static let received: UInt16 = 4
  }

  static let byteOrderMagic: UInt32 = 0x1A2B_3C4D
  /// `TLSK`: lines as SSLKEYLOGFILE holds them.
  static let tlsKeyLog: UInt32 = 0x544C_534B
  /// What is longer is not a block but a broken length field.
  static let longestBlock = 64 << 20
  /// The longest comment we write, in bytes; a length field would hold 65,535.
  static let longestComment = 4096
}

/// What made a capture, for its section header. Constants, so that a replay writes the same bytes on every machine.
public struct CaptureOrigin: Hashable, Sendable {
  public var hardware: String
  public var operatingSystem: String
  public var application: String

  public init(hardware: String, operatingSystem: String, application: String = "Kallglot Lab") {
    self.hardware = hardware
    self.operatingSystem = operatingSystem
    self.application = application
  }

  public static let virtual = CaptureOrigin(hardware: "virtual host", operatingSystem: "virtual network")
  public static let live = CaptureOrigin(hardware: "host", operatingSystem: "Linux")
  /// What was made of another capture.
  public static let copy = CaptureOrigin(hardware: "another capture", operatingSystem: "unknown")
}

// swift-tools-version: 6.2
import PackageDescription

/// One library module: its folder is `Sources/<name>`, its tests are `Tests/<name>Tests`.
/// Which module may import which is held by `Tests/ArchitectureTests`, not by this list.
func module(_ name: String, _ dependencies: [Target.Dependency], testing extra: [Target.Dependency] = []) -> [Target] {
  [
    .target(name: name, dependencies: dependencies),
    .testTarget(name: "\(name)Tests", dependencies: [.target(name: name), "LabBench"] + dependencies + extra),
  ]
}

func systemLibrary(_ name: String, pkgConfig: String, package: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let nio: [Target.Dependency] = [.product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio")]
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let formats: [Target.Dependency] = [
  "SansIO", "Rules", "SIPMessage", "SDP", "SRTP", "RTP", "Codecs", "Mark", "SecureTransport", "KallglotPolicy",
]
let stack: [Target.Dependency] = formats + ["SIPComposition", "SIPTransaction", "SIPTransport", "SIPUserAgent", "Media"]

let package = Package(
  name: "kallglot-lab",
  products: [
    .executable(name: "kallglot-lab", targets: ["kallglot-lab"]),
    .executable(name: "lab-bench", targets: ["lab-bench"]),
    .library(name: "LabTesting", targets: ["LabTesting"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    systemLibrary("COpenSSL", pkgConfig: "openssl", package: "libssl-dev"),
    systemLibrary("COpus", pkgConfig: "opus", package: "libopus-dev"),
    systemLibrary("CSpandsp", pkgConfig: "spandsp", package: "libspandsp-dev"),
    systemLibrary("CSpeexDSP", pkgConfig: "speexdsp", package: "libspeexdsp-dev"),
    systemLibrary("CPcap", pkgConfig: "libpcap", package: "libpcap-dev"),
    systemLibrary("CZlib", pkgConfig: "zlib", package: "zlib1g-dev"),
    systemLibrary("CSRTP", pkgConfig: "libsrtp2", package: "libsrtp2-dev"),
    .target(name: "CVirtualTime"),
    .target(name: "CSockets", linkerSettings: [.linkedLibrary("resolv")]),
    .target(name: "CTunnel"),
    .target(name: "CAllocationCount"),
  ]
    + module("SansIO", [])
    + [.target(name: "Rules", dependencies: ["SansIO"])]
    + module("KallglotPolicy", ["SansIO"])
    + module("SIPMessage", ["SansIO"])
    + module("SDP", ["SansIO", "Rules", "SRTP", "SecureTransport"])
    + module("RTP", ["SansIO"])
    + module("Codecs", ["SansIO", "COpus", "CSpandsp", "CSpeexDSP"], testing: ["CAllocationCount"])
    + module("Mark", ["SansIO", "Codecs"])
    + module("SecureTransport", ["SansIO", "COpenSSL", "CVirtualTime"])
    + module("SRTP", ["SansIO", "CSRTP"], testing: ["COpenSSL"])
    + module("SIPComposition", ["SansIO", "SIPMessage"])
    + module("SIPTransport", ["SansIO", "SIPMessage", "SIPComposition", "SecureTransport", "KallglotPolicy"])
    + module("SIPTransaction", ["SansIO", "SIPMessage", "SIPComposition", "SIPTransport"])
    + module(
      "SIPUserAgent",
      [
        "SansIO", "Rules", "SIPMessage", "SDP", "SecureTransport", "KallglotPolicy", "SIPComposition", "SIPTransaction", "SIPTransport",
        "COpenSSL",
      ])
    + module("Media", ["SansIO", "Rules", "SDP", "SRTP", "SecureTransport", "RTP", "Codecs", "Mark"])
    + module("CallControl", stack)
    + module("Kallglot", stack + ["CallControl"])
    + module("Personas", stack + ["CallControl"])
    + module(
      "Defects", ["SansIO", "SIPMessage", "RTP", "Codecs", "KallglotPolicy"],
      testing: ["LabTesting", "Rules", "ScenarioModel", "ScenarioEngine", "Capture"])
    + module("Impairments", ["SansIO"])
    + module("VirtualNetwork", ["SansIO", "Impairments"])
    + module("LiveNetwork", ["SansIO", "CSockets"] + nio)
    + module("Capture", ["SansIO", "CPcap", "CZlib"])
    + module("WireReader", ["SansIO", "SIPMessage", "SDP", "SRTP", "RTP", "Codecs", "Capture", "COpenSSL"])
    + module(
      "Decryption", ["SansIO", "SRTP", "Capture", "WireReader"],
      testing: ["SecureTransport", "SIPMessage", "RTP", "Inspection", "LabTesting", "ScenarioModel", "ScenarioEngine"])
    + module(
      "Inspection", ["SansIO", "Rules", "SIPMessage", "SDP", "SRTP", "RTP", "Capture", "WireReader"],
      testing: ["LabTesting", "ScenarioModel", "SecureTransport", "COpenSSL", "lab-foreign"])
    + module(
      "ScenarioModel",
      formats + [
        "Impairments", "SIPTransport", "Media", "WireReader", "Inspection", "Defects", "COpenSSL", .product(name: "Yams", package: "Yams"),
      ],
      testing: ["Serving", "CallControl", "Personas"])
    + module(
      "ScenarioEngine",
      stack + [
        "CallControl", "Kallglot", "Personas", "Defects", "WireReader", "Inspection", "Decryption", "ScenarioModel", "VirtualNetwork",
        "Impairments", "Capture",
      ])
    + module("Reports", ["SansIO", "Rules", "SIPMessage", "Capture", "ScenarioModel", "Inspection"])
    + module(
      "Serving",
      stack + ["CallControl", "Kallglot", "Personas", "ScenarioModel", "LiveNetwork", "Capture", "Inspection", "Decryption"] + nio)
    + module(
      "LiveStage", stack + ["ScenarioModel", "ScenarioEngine", "LiveNetwork", "Capture", "Decryption"] + nio, testing: ["LabTesting"])
    + [
      // Benches and texts for our own tests alone: no product has it.
      .target(
        name: "LabBench", dependencies: ["SansIO", "SIPMessage", "SRTP", "SecureTransport", "VirtualNetwork", "Capture", "COpenSSL"],
        path: "Tests/LabBench"),
      .target(name: "LabTesting", dependencies: ["SansIO", "SIPMessage", "ScenarioModel", "ScenarioEngine"]),
      .testTarget(name: "LabTestingTests", dependencies: ["LabTesting", "SansIO", "ScenarioModel"]),
      .executableTarget(
        name: "kallglot-lab",
        dependencies: stack + [
          "Reports", "Inspection", "WireReader", "Decryption", "Capture", "ScenarioEngine", "ScenarioModel", "Serving", "LiveNetwork",
          "LiveStage", "VirtualNetwork", "Impairments", "CTunnel",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
      .executableTarget(
        name: "lab-bench",
        dependencies: stack + [
          "CallControl", "Kallglot", "Personas", "ScenarioModel", "ScenarioEngine", "VirtualNetwork", "Impairments", "Capture",
          "COpenSSL", "CSRTP", "COpus", "CSpandsp", "CAllocationCount",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
      .executableTarget(name: "lab-abuse", dependencies: ["SansIO", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
      .executableTarget(name: "lab-foreign", dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")]),
      .executableTarget(
        name: "lab-planted",
        dependencies: [
          "SansIO", "Defects", "Capture", "Inspection", "ScenarioEngine", "ScenarioModel",
          .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ]),
      .target(
        name: "FuzzTargets",
        dependencies: [
          "SansIO", "SIPMessage", "SIPComposition", "SDP", "SRTP", "SecureTransport", "Capture", "WireReader", "Inspection", "Rules", "RTP",
          "Codecs", "Media", "Impairments",
        ]),
      .testTarget(name: "FuzzTargetsTests", dependencies: ["FuzzTargets"]),
      .testTarget(name: "ArchitectureTests", dependencies: ["SansIO", "Rules"]),
      .testTarget(name: "BenchTests", dependencies: ["lab-bench", "Inspection", "WireReader", "Capture", "SansIO"]),
      .testTarget(name: "PlantedTests", dependencies: ["lab-planted", "LabTesting", "SansIO", "Defects", "ScenarioModel"]),
      .testTarget(name: "TortureTests", dependencies: stack + ["LabBench", "CallControl", "Kallglot", "Personas", "VirtualNetwork"]),
      .testTarget(
        name: "ScenarioTests",
        dependencies: [
          "LabTesting", "LabBench", "Codecs", "Capture", "Inspection", "Reports", "Rules", "SansIO", "SRTP", "ScenarioModel",
          "ScenarioEngine",
          "kallglot-lab",
          subprocess,
        ]),
      .testTarget(
        name: "InteropTests",
        dependencies: [
          "SansIO", "SIPMessage", "SecureTransport", "Media", "ScenarioModel", "LiveNetwork", "VirtualNetwork", "kallglot-lab", "lab-abuse",
          subprocess,
        ]),
    ],
  swiftLanguageModes: [.v6]
)

// Its libFuzzer driver is there only with -sanitize=fuzzer (make fuzz), so ordinary builds leave it out.
if Context.environment["LAB_FUZZ"] == "1" {
  package.targets.append(
    .executableTarget(name: "lab-fuzz", dependencies: ["FuzzTargets"]))
}

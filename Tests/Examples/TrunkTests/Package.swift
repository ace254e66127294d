// swift-tools-version: 6.2
import PackageDescription

// A package of yours that tests a trunk with Kallglot Lab. In your own, name the repository's URL instead of the path.
let package = Package(
  name: "TrunkTests",
  dependencies: [.package(name: "kallglot-lab", path: "../../..")],
  targets: [
    .testTarget(
      name: "TrunkTests", dependencies: [.product(name: "LabTesting", package: "kallglot-lab")], exclude: ["scenarios"])
  ],
  swiftLanguageModes: [.v6]
)

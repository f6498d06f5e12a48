"""What Temporal keeps of ours: conversion and encryption of payloads, the same for every process."""
